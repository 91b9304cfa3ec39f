#include "agent/tools/tool_result.hpp"

#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

class tool_result_test : public ::testing::Test {
protected:
    bool write(const std::string& object) { return events::test::await(io_, write_result(reply_, object)); }
    void expect_whole(const std::string& object) {
        ASSERT_TRUE(write(object));
        const json result = json::parse(reply_.text());
        EXPECT_EQ(result["structuredContent"].dump(), object);
        EXPECT_EQ(result["content"][0]["text"], object);
        EXPECT_EQ(result["content"][0]["type"], "text");
        EXPECT_FALSE(result.contains("resultType"));
    }

    boost::asio::io_context io_;
    collected_reply reply_;
};

TEST_F(tool_result_test, a_small_object_is_one_piece) {
    expect_whole(R"({"a":"quote \" backslash \\ newline \n ä \u0001"})");
    EXPECT_EQ(reply_.pieces.size(), 1u);
}

TEST_F(tool_result_test, a_large_object_comes_in_pieces_that_cut_no_character) {
    // Characters of every length, so that each cut falls into one somewhere.
    std::string text;
    for (int i = 0; i < 60'000; ++i) text += i % 3 == 0 ? "ä" : i % 3 == 1 ? "𝄞" : "\"";
    expect_whole(json{{"text", text}}.dump());
    EXPECT_GT(reply_.pieces.size(), 3u);
    for (const auto& piece : reply_.pieces) EXPECT_NE(static_cast<unsigned char>(piece.front()) & 0xc0, 0x80);
}

TEST_F(tool_result_test, around_the_size_of_a_piece) {
    for (const std::size_t size : {65'530u, 65'535u, 65'536u, 65'537u, 131'072u}) {
        reply_.pieces.clear();
        expect_whole(json{{"t", std::string(size - 8, 'x')}}.dump());
    }
}

TEST_F(tool_result_test, stops_when_nobody_listens) {
    reply_.gone = true;
    EXPECT_FALSE(write(json{{"text", std::string(300'000, 'x')}}.dump()));
    EXPECT_TRUE(reply_.pieces.empty());
}

}  // namespace
}  // namespace agent::tools::test
