#include "common/crypto/secret.hpp"

#include <gtest/gtest.h>

namespace common::crypto {
namespace {

TEST(secrets, are_known_by_prefix_and_checksum) {
    const auto token = new_secret("cza_");
    EXPECT_EQ(token.size(), 53U);
    EXPECT_TRUE(looks_like("cza_", token));
    EXPECT_FALSE(looks_like("czr_", token));
    EXPECT_NE(token, new_secret("cza_"));
    for (std::size_t i = 0; i < token.size(); ++i) {
        auto changed = token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(looks_like("cza_", changed)) << i;
    }
    EXPECT_FALSE(looks_like("cza_", token + "A"));
    EXPECT_FALSE(looks_like("cza_", token.substr(0, token.size() - 1)));
    EXPECT_FALSE(looks_like("cza_", ""));
}

}  // namespace
}  // namespace common::crypto
