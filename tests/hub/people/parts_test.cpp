#include "hub/people/parts.hpp"

#include <gtest/gtest.h>

#include "hub/people/sign_in_limits.hpp"

namespace hub::people {
namespace {

TEST(local_path, stays_on_the_hub) {
    for (const char* good :
         {"/", "/account", "/authorize?client_id=x&redirect_uri=https%3A%2F%2Fa.example%2F", "/a//b", "/?x=//evil.org"})
        EXPECT_EQ(local_path(good), good);
    for (const std::string& bad :
         {std::string(), std::string("x"), std::string("//evil.org"), std::string("/\\evil.org"),
          std::string("\\\\evil.org"), std::string("https://evil.org"), std::string("/\t/evil.org"),
          std::string("/a b"), std::string("/\r\nX: y"), std::string("/\0", 2), std::string("/\x7f"), std::string("/é"),
          "/" + std::string(4096, 'x')})
        EXPECT_EQ(local_path(bad), "/account") << bad;
}

TEST(parts, inputs_have_labels_and_escape_what_is_typed) {
    const auto html = input_html({.label = "A <b>", .name = "a", .value = "\"><script>", .more = "required"});
    EXPECT_NE(html.find("<label for=\"a\">A &lt;b&gt;</label>"), std::string::npos);
    EXPECT_NE(html.find("value=\"&quot;&gt;&lt;script&gt;\""), std::string::npos);
    EXPECT_EQ(error_html(""), "");
    EXPECT_NE(error_html("<x>").find("role=\"alert\">&lt;x&gt;<"), std::string::npos);
    EXPECT_EQ(sign_in_path("/a?b=c"), "/sign-in?continue=%2Fa%3Fb%3Dc");
}

TEST(sign_in_limits, count_accounts_and_addresses) {
    common::auth::throttle::time_point now{std::chrono::hours(1000)};
    sign_in_limits limits({}, [&] { return now; });
    common::net::http_request here;
    here.peer_address = "192.0.2.1";
    common::net::http_request elsewhere;
    elsewhere.peer_address = "192.0.2.2";
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(limits.begin(here, "ADA@example.org"));
    EXPECT_TRUE(limits.begin(elsewhere, "ada@example.org"));
    limits.forgive("Ada@example.org");
    EXPECT_FALSE(limits.begin(elsewhere, "ada@example.org"));
    for (int i = 5; i < 20; ++i) EXPECT_FALSE(limits.begin(here, "u" + std::to_string(i)));
    EXPECT_TRUE(limits.begin(here, "another"));
    limits.take_back(here, "u5");
    EXPECT_FALSE(limits.begin(here, "another"));
    limits.succeeded(here, "another");
    EXPECT_FALSE(limits.begin(here, "another"));
    EXPECT_TRUE(limits.begin(here, "another"));
    EXPECT_FALSE(limits.begin(elsewhere, "another"));
}

}  // namespace
}  // namespace hub::people
