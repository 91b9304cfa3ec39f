#include "agent/policy/deny_pattern.hpp"

#include <gtest/gtest.h>

namespace {

bool matches(const std::string& pattern, const std::string& path) {
    const auto parsed = agent::deny_pattern::parse(pattern);
    EXPECT_TRUE(parsed) << parsed.error();
    return parsed && parsed->matches(path);
}

TEST(deny_pattern, closes_a_place_and_what_lies_below_it) {
    EXPECT_TRUE(matches("/srv/secret", "/srv/secret"));
    EXPECT_TRUE(matches("/srv/secret/", "/srv/secret/below/it"));
    EXPECT_FALSE(matches("/srv/secret", "/srv"));
    EXPECT_FALSE(matches("/srv/secret", "/srv/secrets"));
    EXPECT_FALSE(matches("/srv/secret", "/home/srv/secret"));
}

TEST(deny_pattern, names_without_a_slash_in_front_are_closed_everywhere) {
    for (const char* pattern : {".ssh", ".ssh/", "**/.ssh", "**/.ssh/**"}) {
        EXPECT_TRUE(matches(pattern, "/home/ada/.ssh")) << pattern;
        EXPECT_TRUE(matches(pattern, "/.ssh/below")) << pattern;
        EXPECT_TRUE(matches(pattern, "/home/ada/.SSH")) << pattern;
        EXPECT_FALSE(matches(pattern, "/home/ada/ssh")) << pattern;
    }
    for (const char* pattern : {"config/gcloud", "**/config/gcloud"}) {
        EXPECT_TRUE(matches(pattern, "/home/config/config/gcloud/x")) << pattern;
        EXPECT_FALSE(matches(pattern, "/home/config/other/gcloud")) << pattern;
    }
}

TEST(deny_pattern, wildcards) {
    EXPECT_TRUE(matches("/srv/*/keys", "/srv/a/keys"));
    EXPECT_TRUE(matches("/srv/*/keys", "/srv/.a/keys")) << "hidden ones too";
    EXPECT_FALSE(matches("/srv/*/keys", "/srv/a/b/keys"));
    EXPECT_TRUE(matches("/srv/**/keys", "/srv/keys"));
    EXPECT_TRUE(matches("/srv/**/keys", "/srv/a/b/keys/c"));
    EXPECT_TRUE(matches("/srv/**/a/**/z", "/srv/a/b/a/c/z"));
    EXPECT_FALSE(matches("/srv/**/a/**/z", "/srv/b/z/a"));
    EXPECT_TRUE(matches("**/.env*", "/a/.env.local"));
    EXPECT_TRUE(matches("/srv/[ab]?", "/srv/b1"));
    EXPECT_TRUE(matches("/srv/\\*", "/srv/*"));
    EXPECT_FALSE(matches("/srv/\\*", "/srv/x"));
    EXPECT_TRUE(matches("**", "/anything"));
}

TEST(deny_pattern, takes_no_time_on_bad_patterns) {
    std::string pattern;
    std::string path;
    for (int i = 0; i < 30; ++i) pattern += "**/a/";
    for (int i = 0; i < 2000; ++i) path += "/a";
    EXPECT_FALSE(matches(pattern + "z", path));
}

TEST(deny_pattern, says_what_is_wrong) {
    std::string long_one;
    for (int i = 0; i < 100; ++i) long_one += "/x";
    for (const std::string& text : {std::string("~/.ssh"), std::string("/"), std::string("a/../b"), std::string("./x"),
                                    std::string("a\0b", 3), long_one})
        EXPECT_FALSE(agent::deny_pattern::parse(text)) << text;
}

}  // namespace
