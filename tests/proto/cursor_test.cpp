#include "proto/cursor.hpp"

#include <gtest/gtest.h>

#include "proto/base64url.hpp"
#include "proto/limits.hpp"

namespace proto {
namespace {

const cursor two{{{"m_a", "log1", 17}, {"m_b", "log2", 0, 5}}};

TEST(cursor, comes_back_whole) {
    EXPECT_EQ(decode_cursor(encode_cursor(two)), two);
    const cursor largest{{{"m_a", "l", INT64_MAX, INT64_MAX}}};
    EXPECT_EQ(decode_cursor(encode_cursor(largest)), largest);
}

TEST(cursor, largest_fits_its_limit) {
    cursor c;
    for (std::size_t i = 0; i < limits::cursor_entries_max; ++i)
        c.entries.push_back({std::string(63, 'm') + std::to_string(i), std::string(64, 'l'), INT64_MAX, INT64_MAX});
    EXPECT_LE(encode_cursor(c).size(), limits::cursor_bytes_max);
    EXPECT_EQ(decode_cursor(encode_cursor(c)), c);
}

TEST(cursor, order_of_machines_does_not_matter) {
    const cursor swapped{{two.entries[1], two.entries[0]}};
    EXPECT_EQ(encode_cursor(swapped), encode_cursor(two));
}

TEST(cursor, anything_else_is_cursor_invalid_and_says_what_to_do) {
    const auto b64 = [](std::string_view text) { return base64url_encode(text); };
    for (const auto& text : {std::string(),
                             std::string("17"),
                             std::string("not base64!"),
                             b64("[]"),
                             b64("{}"),
                             b64(R"({"c":[]})"),
                             b64(R"({"c":[1]})"),
                             b64(R"({"c":[2,["m","l",1]]})"),
                             b64(R"({"c":[1,["m","l"]]})"),
                             b64(R"({"c":[1,["m","l",-1]]})"),
                             b64(R"({"c":[1,["m","l",1.5]]})"),
                             b64(R"({"c":[1,["","l",1]]})"),
                             b64(R"({"c":[1,["m","l",9223372036854775808]]})"),
                             b64(R"({"c":[1,["m","l",1,0]]})"),
                             b64(R"({"c":[1,["m","l",1],["m","l",2]]})"),
                             b64(R"({"c":[1,["b","l",1],["a","l",2]]})"),
                             b64(R"({"c":[1, ["m","l",1]]})"),
                             b64(R"({"c":[1,["m","l",1]],"d":1})"),
                             b64(R"({"c":[1,["a","l",1],["b","l",1],["c","l",1],["d","l",1],["e","l",1]]})"),
                             std::string(100'000, 'A')}) {
        const auto c = decode_cursor(text);
        ASSERT_FALSE(c) << text;
        EXPECT_EQ(c.error().code, error_code::cursor_invalid);
        EXPECT_NE(c.error().hint.find("without a cursor"), std::string::npos);
    }
}

TEST(cursor, whatever_decodes_has_exactly_one_text) {
    // Not a signature: a changed cursor may be another valid one. But it never crashes and never has two texts.
    const auto text = encode_cursor(two);
    for (std::size_t i = 0; i < text.size(); ++i)
        for (const char c : {'A', 'z', '_', '=', '\0'}) {
            auto changed = text;
            changed[i] = c;
            if (const auto decoded = decode_cursor(changed)) EXPECT_EQ(encode_cursor(*decoded), changed);
        }
}

}  // namespace
}  // namespace proto
