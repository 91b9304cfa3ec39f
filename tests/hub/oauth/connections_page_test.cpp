#include "hub/oauth/connections_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hub::oauth {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(connections_pages, say_what_each_application_may_and_escape_its_name) {
    grant one;
    one.id = "g_1";
    one.client_name = "<b>Editor";
    one.workspace_name = "Acme";
    one.redirect_host = "app.example.com";
    one.scopes = {"mcp:tools"};
    one.created_at = one.used_at = 1'800'000'000'000;
    const auto html = connections_page({one}, "t", "").main;
    for (const char* text :
         {"&lt;b&gt;Editor", "Acme", "read, act <code", "2027-01-15", "value=\"g_1\"", "app.example.com"})
        EXPECT_THAT(html, HasSubstr(text));
    EXPECT_THAT(html, Not(HasSubstr("<b>Editor")));
    EXPECT_THAT(html, Not(HasSubstr("administer")));
    EXPECT_THAT(connections_page({}, "t", "").main, HasSubstr("No application has access"));
}

}  // namespace
}  // namespace hub::oauth
