#include "hub/tenancy/plain_text.hpp"

#include <string>

#include <gtest/gtest.h>

#include "hub/tenancy/records.hpp"

namespace hub::tenancy {
namespace {

TEST(plain_text, takes_what_people_write) {
    for (const std::string text : {"", "box", "Größe 7", "東京", "🦊", "a  b", "U+\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
        EXPECT_TRUE(is_plain_text(text, 128)) << text;
}

TEST(plain_text, refuses_invalid_utf8) {
    for (const std::string text :
         {"\x80", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf0\x80\x80\xaf",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc3(", "\xe2(\xa1"})
        EXPECT_FALSE(is_plain_text(text, 128));
}

TEST(plain_text, refuses_what_changes_the_text_around_it) {
    for (const std::string text : {"a\nb", "\x1b[31m", "\x7f", "\xc2\x9b", "\u2028", "\u202e", "\u2066", "\u200f"})
        EXPECT_FALSE(is_plain_text(text, 128));
    EXPECT_FALSE(is_plain_text(std::string(1, '\0'), 128));
}

TEST(plain_text, is_bounded_in_bytes) {
    EXPECT_TRUE(is_plain_text("ää", 4));
    EXPECT_FALSE(is_plain_text("ää", 3));
}

TEST(plain_text, names_are_not_empty_and_have_no_outer_spaces) {
    EXPECT_TRUE(is_name("a b", 128));
    EXPECT_FALSE(is_name("", 128));
    EXPECT_FALSE(is_name(" a", 128));
    EXPECT_FALSE(is_name("a ", 128));
}

TEST(records, enumerations_survive_their_names) {
    for (const auto r : {role::viewer, role::member, role::admin, role::owner}) EXPECT_EQ(parse_role(to_string(r)), r);
    for (const auto s :
         {machine_state::pending, machine_state::active, machine_state::quarantined, machine_state::revoked})
        EXPECT_EQ(parse_machine_state(to_string(s)), s);
    EXPECT_FALSE(parse_role("root"));
    EXPECT_FALSE(parse_machine_state(""));
}

}  // namespace
}  // namespace hub::tenancy
