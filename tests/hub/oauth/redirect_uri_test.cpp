// RFC 9700 §2.1 and §4.1: which redirect URIs are the registered ones.
#include "hub/oauth/redirect_uri.hpp"

#include <gtest/gtest.h>

namespace hub::oauth {
namespace {

TEST(redirect_uris, of_real_clients_can_be_registered) {
    for (const char* uri :
         {"https://claude.ai/api/mcp/auth_callback", "http://localhost:54212/callback", "http://127.0.0.1/callback",
          "http://[::1]:1/cb", "cursor://anysphere.cursor-retrieval/oauth/user-abc/callback",
          "vscode://vscode.github-authentication/did-authenticate", "com.example.app:/oauth",
          "https://a.example:8443/cb?x=1", "https://a.example", "http://localhost"})
        EXPECT_EQ(why_not_redirect_uri(uri), std::nullopt) << uri;
}

TEST(redirect_uris, that_could_run_something_or_leak_cannot) {
    for (const char* uri : {"",
                            "callback",
                            "/callback",
                            "//evil.example/cb",
                            "javascript:alert(1)",
                            "data:text/html,x",
                            "file:///etc/passwd",
                            "vbscript:x",
                            "blob:https://a/b",
                            "about:blank",
                            "ws://a.example/",
                            "http://example.com/cb",
                            "http://127.0.0.2/cb",
                            "http://localhost.evil.example/cb",
                            "http://127.0.0.1.evil.example/cb",
                            "http://localhost:99x/cb",
                            "https:///cb",
                            "https://user@a.example/cb",
                            "https://a.example/cb#x",
                            "https://*.example/cb",
                            "https://a.example\\@evil.example/",
                            "JAVASCRIPT:alert(1)",
                            "HTTPS://a.example/",
                            "JavaScript:alert(1)",
                            "http:localhost",
                            "https:a.example",
                            ":x",
                            "1app:/cb",
                            "a_b:/cb",
                            "app:",
                            "app:/cb#f",
                            "https://a.example/\r\nX: y",
                            "http://127.1/cb",
                            "http://evil.example\\@localhost/cb",
                            "https://a.example/ b",
                            "http://localhost@evil.example/cb"})
        EXPECT_NE(why_not_redirect_uri(uri), std::nullopt) << uri;
    EXPECT_NE(why_not_redirect_uri("https://a.example/" + std::string(2048, 'a')), std::nullopt);
}

TEST(redirect_uris, are_compared_byte_by_byte) {
    const std::vector<std::string> registered{"https://a.example/cb"};
    EXPECT_TRUE(is_registered(registered, "https://a.example/cb"));
    for (const char* other :
         {"https://a.example/cb/", "https://a.example/cb?x=1", "https://a.example/cb/../x", "https://a.example/CB",
          "https://A.example/cb", "https://a.example:443/cb", "https://a.example//cb", "https://a.example/%63b",
          "https://a.example/cb%2f", "https://a.example.evil.example/cb", "https://u@a.example/cb",
          "http://a.example/cb", "https://a.example/c", ""})
        EXPECT_FALSE(is_registered(registered, other)) << other;
}

TEST(redirect_uris, on_loopback_may_have_any_port) {
    const std::vector<std::string> registered{"http://localhost/callback", "http://127.0.0.1:33418/cb"};
    for (const char* same : {"http://localhost/callback", "http://localhost:54321/callback", "http://127.0.0.1:1/cb",
                             "http://127.0.0.1/cb"})
        EXPECT_TRUE(is_registered(registered, same)) << same;
    for (const char* other :
         {"http://127.0.0.1:54321/callback", "http://localhost:1/cb", "http://localhost:1/callback/",
          "http://localhost:1/callback?x", "https://localhost:1/callback", "http://localhost:/callback",
          "http://localhost:123456/callback", "http://localhost:1@evil.example/callback", "http://[::1]:1/callback",
          "http://localhost.:1/callback"})
        EXPECT_FALSE(is_registered(registered, other)) << other;
}

TEST(redirect_uris, tell_people_and_the_browser_where_they_lead) {
    EXPECT_EQ(form_target_of("https://a.example:8443/cb?x"), "https://a.example:8443");
    EXPECT_EQ(form_target_of("http://localhost:5/cb"), "http://localhost:5");
    EXPECT_EQ(form_target_of("cursor://x/y"), "cursor:");
    EXPECT_EQ(destination_of("https://a.example:8443/cb"), "a.example:8443");
    EXPECT_EQ(destination_of("http://[::1]:5/cb"), "a program on this computer");
    EXPECT_EQ(destination_of("cursor://x/y"), "the application \"cursor\" on this computer");
}

TEST(redirect_uris, get_parameters_that_break_out_of_nothing) {
    EXPECT_EQ(with_parameters("https://a.example/cb", {{"code", "c"}, {"state", "a&b=c #\r\nLocation: x\"<>"}}),
              "https://a.example/cb?code=c&state=a%26b%3Dc%20%23%0D%0ALocation%3A%20x%22%3C%3E");
    EXPECT_EQ(with_parameters("https://a.example/cb?x=1", {{"iss", "https://h"}}),
              "https://a.example/cb?x=1&iss=https%3A%2F%2Fh");
}

}  // namespace
}  // namespace hub::oauth
