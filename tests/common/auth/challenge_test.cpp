#include "common/auth/challenge.hpp"

#include <gtest/gtest.h>

namespace common::auth {
namespace {

proto::principal with(std::vector<std::string> attainable) {
    proto::principal who;
    who.scopes = {"sessions:read"};
    who.attainable = std::move(attainable);
    return who;
}

TEST(challenges, for_more_scopes_list_those_that_are_there_too) {
    const proto::error missing{proto::error_code::permission_denied, "", "", R"({"scope":"sessions:write"})"};
    EXPECT_EQ(scope_challenge("https://h", with({"mcp:tools"}), missing),
              "Bearer error=\"insufficient_scope\", scope=\"sessions:read sessions:write\", "
              "resource_metadata=\"https://h/.well-known/oauth-protected-resource/mcp\", "
              "error_description=\"The person has not allowed this.\"");
}

TEST(challenges, are_not_for_what_the_role_forbids) {
    const proto::error missing{proto::error_code::permission_denied, "", "", R"({"scope":"sessions:write"})"};
    EXPECT_EQ(scope_challenge("https://h", with({"sessions:read", "machines:read"}), missing), std::nullopt);
}

TEST(challenges, are_not_for_keys_nor_for_other_refusals) {
    const proto::error missing{proto::error_code::permission_denied, "", "", R"({"scope":"sessions:write"})"};
    EXPECT_EQ(scope_challenge("https://h", with({}), missing), std::nullopt);
    EXPECT_EQ(scope_challenge("https://h", with({"mcp:tools"}), {proto::error_code::permission_denied, "", "", ""}),
              std::nullopt);
    EXPECT_EQ(
        scope_challenge("https://h", with({"mcp:tools"}), {proto::error_code::not_found, "", "", missing.details}),
        std::nullopt);
}

}  // namespace
}  // namespace common::auth
