#include "common/auth/credential.hpp"

#include <gtest/gtest.h>

namespace common::auth {
namespace {

auto find(const std::vector<std::pair<std::string, std::string>>& fields) {
    common::net::http_request request;
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    return find_credential(request);
}

TEST(credential, in_either_header) {
    EXPECT_EQ(find({{"Authorization", "Bearer czk_1"}}), "czk_1");
    EXPECT_EQ(find({{"authorization", "bearer  czk_1"}}), "czk_1");
    EXPECT_EQ(find({{"Authorization", "BEARER czk_1"}}), "czk_1");
    EXPECT_EQ(find({{"X-Codez-Api-Key", "czk_1"}}), "czk_1");
    EXPECT_EQ(find({{"X-Codez-Api-Key", "czk_1"}, {"Authorization", "Bearer czk_1"}}), "czk_1");
}

TEST(credential, none_is_none_and_no_error) {
    EXPECT_EQ(find({}), "");
    EXPECT_EQ(find({{"Authorization", "Bearer"}}), "");
    EXPECT_EQ(find({{"Authorization", "Bearer   "}}), "");
    EXPECT_EQ(find({{"X-Codez-Api-Key", ""}}), "");
}

TEST(credential, two_of_them_or_another_scheme_is_an_error) {
    EXPECT_FALSE(find({{"X-Codez-Api-Key", "czk_1"}, {"Authorization", "Bearer czk_2"}}));
    EXPECT_FALSE(find({{"Authorization", "Bearer a"}, {"Authorization", "Bearer a"}}));
    EXPECT_FALSE(find({{"X-Codez-Api-Key", "a"}, {"x-codez-api-key", "a"}}));
    for (const char* odd : {"Basic YTpi", "", "czk_1", "Bearerczk_1", "Bear", "Digest x"}) {
        const auto refused = find({{"Authorization", odd}});
        ASSERT_FALSE(refused) << odd;
        EXPECT_TRUE(refused.error().ends_with(".")) << refused.error();
    }
}

TEST(credential, is_bounded) {
    EXPECT_FALSE(find({{"Authorization", "Bearer " + std::string(8193, 'x')}}));
    EXPECT_FALSE(find({{"X-Codez-Api-Key", std::string(8193, 'x')}}));
    EXPECT_TRUE(find({{"X-Codez-Api-Key", std::string(4000, 'x')}}));
}

}  // namespace
}  // namespace common::auth
