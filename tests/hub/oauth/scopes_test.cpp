#include "hub/oauth/scopes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/principal.hpp"

namespace hub::oauth {
namespace {

using list = std::vector<std::string>;

TEST(oauth_scopes, that_nobody_knows_are_left_out) {
    EXPECT_EQ(parse_scopes("mcp:tools offline_access nonsense mcp:tools"), (list{"mcp:tools", "offline_access"}));
    EXPECT_EQ(parse_scopes("mcp"), list{});
    EXPECT_EQ(parse_scopes(""), list{});
    EXPECT_EQ(parse_scopes("mcp:tools\tsessions:read"), std::nullopt);
    EXPECT_EQ(parse_scopes("a\"b"), std::nullopt);
    EXPECT_EQ(parse_scopes(std::string(3000, 'a')), std::nullopt);
}

TEST(oauth_scopes, the_umbrella_opens_into_all_that_it_covers_and_closes_again) {
    const auto all = opened({"mcp:tools", "offline_access"});
    EXPECT_THAT(all, testing::Contains("permissions:respond"));
    EXPECT_THAT(all, testing::Not(testing::Contains("machines:admin")));
    proto::principal umbrella;
    umbrella.scopes = {"mcp:tools"};
    for (const auto& text : scope_texts())
        EXPECT_EQ(std::ranges::find(all, text.name) != all.end(), umbrella.has_scope(text.name)) << text.name;
    EXPECT_EQ(closed(all), (list{"mcp:tools", "offline_access"}));
    auto less = all;
    std::erase(less, "permissions:respond");
    EXPECT_EQ(closed(less), less);
}

TEST(oauth_scopes, within) {
    EXPECT_TRUE(are_within({"sessions:read"}, {"mcp:tools"}));
    EXPECT_FALSE(are_within({"mcp:tools"}, {"sessions:read"}));
    EXPECT_FALSE(are_within({"audit:read"}, {"mcp:tools"}));
    EXPECT_TRUE(are_within({}, {}));
}

TEST(oauth_scopes, that_are_dangerous_answer_requests_or_administer) {
    for (const char* one : {"mcp:tools", "permissions:respond", "workspace:admin", "audit:read", "agent:enroll"})
        EXPECT_TRUE(is_dangerous({one})) << one;
    EXPECT_FALSE(is_dangerous({"sessions:read", "events:read", "offline_access", "openid"}));
}

}  // namespace
}  // namespace hub::oauth
