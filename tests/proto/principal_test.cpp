#include "proto/principal.hpp"

#include <gtest/gtest.h>

namespace proto {
namespace {

principal with_scope(const char* scope) {
    principal who;
    who.scopes = {scope};
    return who;
}

TEST(principal, has_the_scopes_it_was_given) {
    const principal who = with_scope("events:read");
    EXPECT_TRUE(who.has_scope("events:read"));
    EXPECT_FALSE(who.has_scope("sessions:write"));
    EXPECT_FALSE(who.has_scope("mcp:tools"));
}

TEST(principal, umbrella_covers_the_tools_and_nothing_else) {
    const principal who = with_scope("mcp:tools");
    EXPECT_TRUE(who.has_scope("sessions:write"));
    EXPECT_TRUE(who.has_scope("permissions:respond"));
    EXPECT_TRUE(who.has_scope("mcp:tools"));
    for (const auto* outside : {"machines:admin", "workspace:admin", "audit:read", "agent:enroll", "", "anything"})
        EXPECT_FALSE(who.has_scope(outside)) << outside;
}

TEST(principal, key_tells_clients_of_one_user_apart) {
    const principal a{"w", "u", "1", "", {}};
    const principal b{"w", "u", "2", "", {}};
    EXPECT_NE(a.key(), b.key());
}

TEST(principal, is_in_one_workspace_what_it_may_there) {
    const principal one{"w_1", "u", "c", "", {"mcp:tools"}};
    EXPECT_EQ(one.workspace_ids(), std::vector<std::string>{"w_1"});
    EXPECT_EQ(one.within("w_1"), one);
    EXPECT_EQ(one.within("w_2"), std::nullopt);

    principal several = one;
    several.workspaces = {{"w_1", {"sessions:read"}}, {"w_2", {"mcp:tools"}}};
    EXPECT_EQ(several.workspace_ids(), (std::vector<std::string>{"w_1", "w_2"}));
    const auto first = several.within("w_1").value();
    EXPECT_EQ(first.workspace_id, "w_1");
    EXPECT_FALSE(first.has_scope("sessions:write"));
    EXPECT_TRUE(first.workspaces.empty());
    EXPECT_TRUE(several.within("w_2")->has_scope("sessions:write"));
    EXPECT_EQ(several.within("w_3"), std::nullopt);
    several.workspaces.erase(several.workspaces.begin());
    EXPECT_EQ(several.within("w_1"), std::nullopt) << "where it began it may be nobody any more";
}

}  // namespace
}  // namespace proto
