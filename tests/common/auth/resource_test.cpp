#include "common/auth/resource.hpp"

#include <gtest/gtest.h>

namespace common::auth {
namespace {

const std::string origin = "https://hub.example.com";

TEST(resources, every_spelling_of_the_hub_is_one_audience) {
    for (const char* path : {"", "/", "/mcp", "/mcp/", "/mcp/claude-code", "/mcp/jobs/", "/mcp/full"})
        EXPECT_EQ(audience_of(origin, origin + path), origin + "/mcp") << path;
    EXPECT_EQ(audience_of(origin, ""), origin + "/mcp");
}

TEST(resources, spellings_of_a_foreign_token_are_those_that_clients_may_ask_for) {
    const auto all = own_audiences(origin);
    EXPECT_EQ(all.size(), 10U);
    for (const auto& one : all) EXPECT_EQ(audience_of(origin, one), own_audience(origin)) << one;
}

TEST(resources, of_others_are_what_they_say) {
    for (const char* other :
         {"https://hub.example.com.evil.example/mcp", "https://hub.example.com:443/mcp", "http://hub.example.com/mcp",
          "https://HUB.example.com/mcp", "https://hub.example.com/mcp/other", "https://hub.example.com/mcp#x",
          "https://hub.example.com/mcp?x", "https://hub.example.com/mcp//", "mcp",
          "https://hub.example.com@evil.example/"})
        EXPECT_EQ(audience_of(origin, other), other) << other;
}

TEST(resources, have_metadata_at_every_path_that_clients_try) {
    EXPECT_EQ(resource_of_metadata_path("/.well-known/oauth-protected-resource"), "/mcp");
    EXPECT_EQ(resource_of_metadata_path("/.well-known/oauth-protected-resource/"), "/mcp");
    for (const char* path : {"/mcp", "/mcp/", "/mcp/claude-code", "/mcp/jobs", "/mcp/jobs/", "/mcp/full"}) {
        EXPECT_EQ(metadata_path_of(path), std::string("/.well-known/oauth-protected-resource") + path);
        EXPECT_EQ(resource_of_metadata_path(metadata_path_of(path)), path);
    }
    for (const char* path :
         {"/.well-known/oauth-protected-resource/key/mcp", "/.well-known/oauth-protected-resource/mcp/x",
          "/.well-known/oauth-protected-resourcemcp", "/mcp", "/.well-known/oauth-authorization-server"})
        EXPECT_EQ(resource_of_metadata_path(path), std::nullopt) << path;
}

}  // namespace
}  // namespace common::auth
