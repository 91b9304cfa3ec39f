#include "agent/claude/fork_point.hpp"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace agent::claude {
namespace fs = std::filesystem;
namespace {

class ForkPoint : public ::testing::Test {
protected:
    ForkPoint() {
        char name[] = "/tmp/codez-fork-XXXXXX";
        if (::mkdtemp(name) != nullptr) root_ = name;
    }
    ~ForkPoint() override { fs::remove_all(root_); }

    fs::path write(const std::string& text) const {
        std::ofstream(root_ / "t.jsonl", std::ios::binary) << text;
        return root_ / "t.jsonl";
    }

    fs::path root_;
};

constexpr const char* question = R"({"type":"user","uuid":"u-1","message":{}})"
                                 "\n";
constexpr const char* answer_1 = R"({"type":"assistant","uuid":"a-1","isSidechain":false})"
                                 "\n";
constexpr const char* answer_2 = R"({"type":"assistant","uuid":"a-2","isSidechain":false})"
                                 "\n";
constexpr const char* subagents = R"({"type":"assistant","uuid":"side","isSidechain":true})"
                                  "\n";

TEST_F(ForkPoint, IsTheLastAnswerOfTheMainConversation) {
    const std::string text = std::string(question) + answer_1 + question + answer_2 + subagents + question;
    const auto found = last_answer(write(text));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->message, "a-2");
    EXPECT_EQ(found->end_offset, static_cast<std::int64_t>(text.size()));
}

TEST_F(ForkPoint, IgnoresALineThatIsBeingWritten) {
    const std::string whole = std::string(question) + answer_1;
    const auto found = last_answer(write(whole + R"({"type":"assistant","uuid":"half)"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->message, "a-1");
    EXPECT_EQ(found->end_offset, static_cast<std::int64_t>(whole.size()));
}

TEST_F(ForkPoint, TextThatSpeaksOfAnAnswerIsNone) {
    const auto found =
        last_answer(write(std::string(answer_1) + R"({"type":"user","uuid":"u","x":{"type":"assistant"}})" + "\n" +
                          R"(not json "type":"assistant")" + "\n"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->message, "a-1");
}

TEST_F(ForkPoint, IsNoneBeforeTheFirstAnswer) {
    EXPECT_FALSE(last_answer(write("")));
    EXPECT_FALSE(last_answer(write(question)));
    EXPECT_FALSE(last_answer(write("no line")));
    EXPECT_FALSE(last_answer(root_ / "absent"));
}

}  // namespace
}  // namespace agent::claude
