#include "hub/identity/scopes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/principal.hpp"

namespace hub::identity {
namespace {

using tenancy::role;
using testing::ElementsAre;
using testing::IsEmpty;

bool may(const std::vector<std::string>& granted, role r, std::string_view scope) {
    proto::principal who;
    who.scopes = effective_scopes(granted, r);
    return who.has_scope(scope);
}

TEST(scopes, an_umbrella_within_the_role_stays_whole) {
    for (const auto r : {role::member, role::admin, role::owner}) {
        EXPECT_THAT(effective_scopes({"mcp:tools"}, r), ElementsAre("mcp:tools"));
        EXPECT_TRUE(may({"mcp:tools"}, r, "sessions:write"));
        EXPECT_FALSE(may({"mcp:tools"}, r, "machines:admin"));
    }
}

TEST(scopes, a_viewers_umbrella_is_opened_into_reading) {
    EXPECT_TRUE(may({"mcp:tools"}, role::viewer, "sessions:read"));
    EXPECT_TRUE(may({"mcp:tools"}, role::viewer, "events:read"));
    for (const auto* writes : {"sessions:write", "permissions:respond", "state:write", "jobs:write", "mcp:tools"})
        EXPECT_FALSE(may({"mcp:tools"}, role::viewer, writes)) << writes;
}

TEST(scopes, a_key_never_gets_more_than_it_was_given) {
    EXPECT_THAT(effective_scopes({"sessions:read"}, role::owner), ElementsAre("sessions:read"));
    EXPECT_THAT(effective_scopes({}, role::owner), IsEmpty());
}

TEST(scopes, admin_rights_need_both) {
    EXPECT_THAT(effective_scopes({"machines:admin", "mcp:tools"}, role::admin),
                ElementsAre("machines:admin", "mcp:tools"));
    EXPECT_THAT(effective_scopes({"machines:admin", "mcp:tools"}, role::member), ElementsAre("mcp:tools"));
    EXPECT_THAT(effective_scopes({"machines:admin"}, role::viewer), IsEmpty());
    EXPECT_THAT(effective_scopes({"no:such:scope"}, role::owner), IsEmpty());
}

TEST(scopes, in_both_are_those_that_each_covers) {
    using list = std::vector<std::string>;
    EXPECT_EQ(scopes_in_both({"mcp:tools"}, {"sessions:read", "audit:read"}), list{"sessions:read"});
    EXPECT_EQ(scopes_in_both({"sessions:read", "audit:read"}, {"mcp:tools"}), list{"sessions:read"});
    EXPECT_EQ(scopes_in_both({"sessions:read"}, {"events:read"}), list{});
}

TEST(scopes, of_a_higher_role_are_those_of_the_lower_and_more) {
    using enum tenancy::role;
    const auto all_of = [](tenancy::role r) {
        const auto scopes = scopes_of(r);
        return std::vector<std::string>(scopes.begin(), scopes.end());
    };
    for (const auto& [lower, higher] : {std::pair(viewer, member), std::pair(member, admin), std::pair(admin, owner)}) {
        proto::principal holder;
        holder.scopes = all_of(higher);
        for (const auto& scope : all_of(lower)) EXPECT_TRUE(holder.has_scope(scope)) << scope;
    }
}

}  // namespace
}  // namespace hub::identity
