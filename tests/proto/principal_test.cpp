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

}  // namespace
}  // namespace proto
