#include "common/crypto/es256_key.hpp"

#include <gtest/gtest.h>

#include "common/crypto/ed25519_key.hpp"

namespace common::crypto {
namespace {

TEST(es256_keys, sign_what_the_public_key_verifies) {
    const auto key = es256_key::from_pem(es256_key::generate().to_pem());
    ASSERT_TRUE(key);
    const auto point = key->public_point();
    EXPECT_EQ(point.x.size(), 32U);
    EXPECT_EQ(point.y.size(), 32U);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(key->sign("text").size(), 64U);
}

TEST(es256_keys, are_no_other_keys) {
    EXPECT_FALSE(es256_key::from_pem(""));
    EXPECT_FALSE(es256_key::from_pem(ed25519_key::generate().to_pem()));
    EXPECT_FALSE(es256_key::from_pem(std::string(5000, 'x')));
}

}  // namespace
}  // namespace common::crypto
