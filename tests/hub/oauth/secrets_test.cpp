#include "hub/oauth/secrets.hpp"

#include <gtest/gtest.h>

namespace hub::oauth {
namespace {

TEST(secrets, are_known_by_prefix_and_checksum) {
    const auto token = new_secret(access_token_prefix);
    EXPECT_EQ(token.size(), 53U);
    EXPECT_TRUE(looks_like(access_token_prefix, token));
    EXPECT_FALSE(looks_like(refresh_token_prefix, token));
    EXPECT_NE(token, new_secret(access_token_prefix));
    for (std::size_t i = 0; i < token.size(); ++i) {
        auto changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(looks_like(access_token_prefix, changed)) << i;
    }
    EXPECT_FALSE(looks_like(access_token_prefix, token + "A"));
    EXPECT_FALSE(looks_like(access_token_prefix, token.substr(0, token.size() - 1)));
    EXPECT_FALSE(looks_like(access_token_prefix, ""));
}

}  // namespace
}  // namespace hub::oauth
