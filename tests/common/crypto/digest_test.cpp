#include "common/crypto/digest.hpp"

#include <set>

#include <gtest/gtest.h>

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

namespace common::crypto {
namespace {

TEST(digest, sha256_matches_fips_180_4_examples) {
    EXPECT_EQ(hex_encode(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex_encode(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(digest, sha256_of_pieces_is_that_of_the_whole) {
    sha256_stream pieces;
    for (const char* piece : {"a", "", "bc"}) pieces.add(piece);
    EXPECT_EQ(pieces.finish(), sha256("abc"));
    EXPECT_EQ(sha256_stream().finish(), sha256(""));
}

TEST(digest, hmac_matches_rfc_4231) {
    EXPECT_EQ(hex_encode(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    // A key longer than a block.
    EXPECT_EQ(
        hex_encode(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(digest, hmac_takes_an_empty_key) {
    EXPECT_EQ(hex_encode(hmac_sha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    EXPECT_EQ(hmac_sha256(std::string_view(), "x"), hmac_sha256("", "x"));
}

TEST(digest, constant_time_equal_compares) {
    EXPECT_TRUE(constant_time_equal("", ""));
    EXPECT_TRUE(constant_time_equal("secret", "secret"));
    EXPECT_FALSE(constant_time_equal("secret", "secreT"));
    EXPECT_FALSE(constant_time_equal("secret", "secret2"));
}

TEST(random, tokens_have_the_length_the_alphabet_and_no_repetition) {
    std::set<std::string> seen;
    std::set<char> characters;
    for (int i = 0; i < 200; ++i) {
        const auto token = random_token(40);
        EXPECT_EQ(token.size(), 40U);
        EXPECT_EQ(token.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos);
        EXPECT_TRUE(seen.insert(token).second);
        characters.insert(token.begin(), token.end());
    }
    EXPECT_EQ(characters.size(), 36U);
    EXPECT_EQ(random_bytes(32).size(), 32U);
    EXPECT_NE(random_bytes(32), random_bytes(32));
    EXPECT_EQ(random_bytes(0), "");
}

}  // namespace
}  // namespace common::crypto
