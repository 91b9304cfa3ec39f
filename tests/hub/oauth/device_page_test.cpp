#include "hub/oauth/device_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hub::oauth {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(device_pages, take_a_code_however_it_is_typed) {
    EXPECT_EQ(clean_user_code("bcdf-ghjk"), "BCDFGHJK");
    EXPECT_EQ(clean_user_code(" BCDF GHJK "), "BCDFGHJK");
    EXPECT_EQ(clean_user_code("<>1234"), "");
    EXPECT_LE(clean_user_code(std::string(1000, 'B')).size(), user_code_letters + 1);
    EXPECT_EQ(shown_user_code("BCDFGHJK"), "BCDF-GHJK");
}

TEST(device_pages, show_what_a_person_can_compare_and_escape_the_rest) {
    const device_request machine{"BCDFGHJK", "<b>lap", "Linux", "m_abcdefghijklmnopqrstuvwx", "192.0.2.1"};
    const std::vector<membership> workspaces{{"w_1", "Acme", tenancy::role::owner}};
    const auto here = device_question_page({machine, workspaces, "Ada", "192.0.2.1", "t"}).main;
    for (const char* text :
         {"&lt;b&gt;lap", "abcd efgh ijkl mnop qrst uvwx", "192.0.2.1", "value=\"BCDFGHJK\"", "<strong>Acme</strong>"})
        EXPECT_THAT(here, HasSubstr(text));
    EXPECT_THAT(here, Not(HasSubstr("<b>lap")));
    EXPECT_THAT(here, Not(HasSubstr("not</strong> where you are")));
    const auto elsewhere = device_question_page({machine, workspaces, "Ada", "198.51.100.7", "t"}).main;
    EXPECT_THAT(elsewhere, HasSubstr("not</strong> where you are: your address is 198.51.100.7"));
}

}  // namespace
}  // namespace hub::oauth
