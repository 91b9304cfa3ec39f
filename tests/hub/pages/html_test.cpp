#include "hub/pages/html.hpp"

#include <gtest/gtest.h>

#include "hub/pages/assets.hpp"

namespace hub::pages {
namespace {

std::string field(const common::net::http_response& response, std::string_view name) {
    EXPECT_EQ(response.fields.count(name), 1U) << name;
    return std::string(response.fields.find(name).value_or(""));
}

TEST(html, what_has_a_meaning_in_html_is_escaped) {
    EXPECT_EQ(escape("<script>alert('x')</script>"), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    EXPECT_EQ(escape(R"("><img onerror=x>&amp;)"), "&quot;&gt;&lt;img onerror=x&gt;&amp;amp;");
    EXPECT_EQ(escape("Zoë 王"), "Zoë 王");
    EXPECT_EQ(escape(""), "");
}

TEST(html, every_page_has_the_headers_and_no_script) {
    const auto response = render({.title = "Hello", .main = "<p>there</p>"});
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(field(response, "Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(field(response, "Content-Security-Policy"),
              "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
              "base-uri 'none'");
    EXPECT_EQ(field(response, "X-Frame-Options"), "DENY");
    EXPECT_EQ(field(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(field(response, "Cache-Control"), "no-store");
    EXPECT_EQ(field(response, "Cross-Origin-Opener-Policy"), "same-origin");
    EXPECT_EQ(field(response, "Referrer-Policy"), "same-origin");
    EXPECT_NE(response.body.find("<html lang=\"en\">"), std::string::npos);
    EXPECT_NE(response.body.find("name=\"viewport\""), std::string::npos);
    EXPECT_NE(response.body.find("<h1>Hello</h1>"), std::string::npos);
    EXPECT_NE(response.body.find("<p>there</p>"), std::string::npos);
    EXPECT_EQ(response.body.find("<script"), std::string::npos);
    EXPECT_EQ(response.body.find("style="), std::string::npos);
}

TEST(html, a_title_from_outside_stays_text) {
    const auto response = render({.title = "</title><script>x</script>", .main = ""});
    EXPECT_EQ(response.body.find("<script"), std::string::npos);
    EXPECT_NE(response.body.find("&lt;script&gt;"), std::string::npos);
}

TEST(html, a_form_may_end_where_the_page_says) {
    page p{.status = 403, .title = "x", .main = "", .form_targets = {"https://app.example.com:8443", "cursor:"}};
    p.more.add("Set-Cookie", "a=b");
    p.more.add("Set-Cookie", "c=d");
    const auto response = render(p);
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(response.fields.count("Set-Cookie"), 2U);
    EXPECT_NE(
        field(response, "Content-Security-Policy").find("form-action 'self' https://app.example.com:8443 cursor:;"),
        std::string::npos);
}

TEST(html, a_target_cannot_write_policy) {
    for (const char* target : {"https://a.example; script-src *", "https://a.example *", "https://a,b", "*",
                               "'unsafe-inline'", "https://a\r\nX: y", "data", ""}) {
        const auto policy =
            field(render({.title = "x", .main = "", .form_targets = {target}}), "Content-Security-Policy");
        EXPECT_NE(policy.find("form-action 'self'; frame-ancestors"), std::string::npos) << target;
    }
}

TEST(html, a_page_may_run_one_script_of_the_hub) {
    page p{.title = "x", .main = ""};
    p.script = passkeys_script_path;
    const auto response = render(p);
    EXPECT_NE(
        field(response, "Content-Security-Policy").find("; script-src 'self'; connect-src 'self'; frame-ancestors"),
        std::string::npos);
    EXPECT_NE(response.body.find("<script src=\"/assets/passkeys.js\" defer></script>"), std::string::npos);
    const auto script = find_asset(passkeys_script_path);
    ASSERT_TRUE(script);
    EXPECT_EQ(field(*script, "Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_EQ(script->body.find("innerHTML"), std::string::npos);
}

TEST(html, a_redirect_is_303_and_not_kept) {
    const auto response = see_other("/account", {{"Set-Cookie", "a=b"}});
    EXPECT_EQ(response.status, 303);
    EXPECT_EQ(field(response, "Location"), "/account");
    EXPECT_EQ(field(response, "Set-Cookie"), "a=b");
    EXPECT_EQ(field(response, "Cache-Control"), "no-store");
    EXPECT_TRUE(response.body.empty());
}

TEST(assets, everything_that_a_page_loads_is_there_and_nothing_from_elsewhere) {
    const std::string body = render({.title = "x", .main = ""}).body;
    int loaded = 0;
    for (auto at = body.find("href=\""); at != std::string::npos; at = body.find("href=\"", at + 1)) {
        const auto path = body.substr(at + 6, body.find('"', at + 6) - at - 6);
        const auto asset = find_asset(path);
        ASSERT_TRUE(asset) << path;
        EXPECT_FALSE(asset->body.empty());
        EXPECT_EQ(field(*asset, "Cache-Control"), "public, max-age=600");
        EXPECT_EQ(field(*asset, "X-Content-Type-Options"), "nosniff");
        ++loaded;
    }
    EXPECT_EQ(loaded, 2);
    const auto style = find_asset("/assets/codez.css");
    EXPECT_EQ(field(*style, "Content-Type"), "text/css; charset=utf-8");
    EXPECT_EQ(style->body.find("http"), std::string::npos);
    EXPECT_EQ(style->body.find("@import"), std::string::npos);
    EXPECT_NE(style->body.find("prefers-color-scheme: dark"), std::string::npos);
    EXPECT_NE(style->body.find(":focus-visible"), std::string::npos);
    for (const char* path : {"/assets/", "/assets/../codez.css", "/codez.css", "", "/assets/codez.css?x"})
        EXPECT_FALSE(find_asset(path)) << path;
}

}  // namespace
}  // namespace hub::pages
