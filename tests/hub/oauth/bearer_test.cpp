#include "hub/oauth/bearer.hpp"

#include <gtest/gtest.h>

namespace hub::oauth {
namespace {

const std::string origin = "https://hub.example.com";

token_grant token() {
    token_grant of;
    of.grant_id = "g_1";
    of.user_id = "u_1";
    of.workspace_id = "w_1";
    of.audience = origin + "/mcp";
    of.scopes = {"mcp:tools"};
    of.machines = std::vector<std::string>{"m_1"};
    of.role = tenancy::role::viewer;
    of.expires_at = 5;
    return of;
}

TEST(bearers, have_the_grant_within_the_role) {
    const auto found = bearer_of(token(), origin);
    ASSERT_TRUE(found.who);
    EXPECT_EQ(found.who->client_id, "g_1");
    EXPECT_TRUE(found.who->has_scope("sessions:read"));
    EXPECT_FALSE(found.who->has_scope("sessions:write")) << "a viewer";
    EXPECT_TRUE(found.who->may_reach("m_1"));
    EXPECT_FALSE(found.who->may_reach("m_2"));
    EXPECT_FALSE(found.who->is_person);
    EXPECT_EQ(found.expires_at, 5);
}

TEST(bearers, for_all_workspaces_are_in_each_what_their_person_is_there) {
    auto everywhere = token();
    everywhere.workspaces = {{"w_1", "Acme", tenancy::role::viewer}, {"w_2", "Own", tenancy::role::owner}};
    everywhere.role = tenancy::role::owner;
    const auto found = bearer_of(everywhere, origin);
    ASSERT_TRUE(found.who);
    EXPECT_TRUE(found.who->has_scope("sessions:write")) << "somewhere";
    EXPECT_FALSE(found.who->within("w_1")->has_scope("sessions:write"));
    EXPECT_TRUE(found.who->within("w_2")->has_scope("sessions:write"));
    EXPECT_FALSE(found.who->within("w_2")->has_scope("audit:read")) << "was not granted";
}

TEST(bearers, of_tokens_that_are_revoked_or_for_others_are_nobody) {
    auto revoked = token();
    revoked.revoked = true;
    EXPECT_FALSE(bearer_of(revoked, origin).who);
    auto elsewhere = token();
    elsewhere.audience = "https://wiki.example.com/mcp";
    EXPECT_FALSE(bearer_of(elsewhere, origin).who);
}

}  // namespace
}  // namespace hub::oauth
