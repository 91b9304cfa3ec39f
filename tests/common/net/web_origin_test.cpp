// How origins of web pages are told apart.
#include "common/net/web_origin.hpp"

#include <gtest/gtest.h>

namespace common::net {
namespace {

TEST(web_origin, has_one_spelling) {
    for (const char* same : {"https://app.example.com", "HTTPS://App.Example.Com", "https://app.example.com:443",
                             "https://app.example.com/", "https://app.example.com/path"})
        EXPECT_EQ(normal_origin(same), "https://app.example.com") << same;
    EXPECT_EQ(normal_origin("http://localhost:80"), "http://localhost");
    EXPECT_EQ(normal_origin("http://localhost:6274"), "http://localhost:6274");
    EXPECT_EQ(normal_origin("https://app.example.com:80"), "https://app.example.com:80");
}

TEST(web_origin, is_what_an_operator_may_allow) {
    for (const char* good : {"https://app.example.com", "http://localhost:6274", "https://app.example.com/",
                             "http://[::1]:8080", "HTTP://LOCALHOST"})
        EXPECT_TRUE(is_web_origin(good)) << good;
    for (const char* bad : {"",
                            "*",
                            "null",
                            "app.example.com",
                            "https://",
                            "https:///",
                            "https://*.example.com",
                            "https://app.example.com/x",
                            "https://app.example.com//",
                            "https://user@app.example.com",
                            "https://app.example.com?x",
                            "https://app.example.com#x",
                            "file://x",
                            "ftp://x",
                            "https://a b",
                            "https://a\\b",
                            "https://hub:abc",
                            "https://hub:0",
                            "https://hub:99999",
                            "https://:80"})
        EXPECT_FALSE(is_web_origin(bad)) << bad;
}

TEST(web_origin, of_a_request_is_its_one_field) {
    const auto of = [](std::vector<std::string> origins) {
        http_request request;
        for (auto& origin : origins) request.fields.add("Origin", std::move(origin));
        return origin_of(request);
    };
    EXPECT_EQ(of({"https://app.example.com:443"}), "https://app.example.com");
    EXPECT_EQ(of({}), std::nullopt);
    for (const char* none : {"", "null", "app.example.com", "https://app.example.com/", "https://app.example.com/x"})
        EXPECT_EQ(of({none}), std::nullopt) << none;
    EXPECT_EQ(of({"https://app.example.com", "https://app.example.com"}), std::nullopt);
}

}  // namespace
}  // namespace common::net
