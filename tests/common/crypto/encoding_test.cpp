#include "common/crypto/encoding.hpp"

#include <gtest/gtest.h>

namespace common::crypto {
namespace {

TEST(encoding, base64url_matches_rfc_4648_without_padding) {
    EXPECT_EQ(base64url_encode(""), "");
    EXPECT_EQ(base64url_encode("f"), "Zg");
    EXPECT_EQ(base64url_encode("fo"), "Zm8");
    EXPECT_EQ(base64url_encode("foo"), "Zm9v");
    EXPECT_EQ(base64url_encode("foob"), "Zm9vYg");
    EXPECT_EQ(base64url_encode("fooba"), "Zm9vYmE");
    EXPECT_EQ(base64url_encode("foobar"), "Zm9vYmFy");
    EXPECT_EQ(base64url_encode("\xfb\xff"), "-_8");
}

TEST(encoding, base32_matches_rfc_4648_in_lower_case_without_padding) {
    EXPECT_EQ(base32_encode("f"), "my");
    EXPECT_EQ(base32_encode("fo"), "mzxq");
    EXPECT_EQ(base32_encode("foo"), "mzxw6");
    EXPECT_EQ(base32_encode("foob"), "mzxw6yq");
    EXPECT_EQ(base32_encode("fooba"), "mzxw6ytb");
    EXPECT_EQ(base32_encode("foobar"), "mzxw6ytboi");
}

TEST(encoding, every_byte_survives_every_code) {
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all.push_back(static_cast<char>(i));
        EXPECT_EQ(base64url_decode(base64url_encode(all)), all);
        EXPECT_EQ(base32_decode(base32_encode(all)), all);
        EXPECT_EQ(hex_decode(hex_encode(all)), all);
    }
}

TEST(encoding, one_byte_string_has_one_base64url_spelling) {
    EXPECT_FALSE(base64url_decode("Zg=="));
    EXPECT_FALSE(base64url_decode("Zh"));  // leftover bits set
    EXPECT_FALSE(base64url_decode("Z"));   // no whole byte
    EXPECT_FALSE(base64url_decode("Zm9vY"));
    EXPECT_FALSE(base64url_decode("Zm 9v"));
    EXPECT_FALSE(base64url_decode("Zm9v\n"));
    EXPECT_FALSE(base64url_decode("+/8"));  // the other base64
    EXPECT_FALSE(base64url_decode(std::string_view("Zg\0", 3)));
    EXPECT_FALSE(base64url_decode("Zm9v\xc3\xa4"));
}

TEST(encoding, one_byte_string_has_one_base32_and_hex_spelling) {
    EXPECT_FALSE(base32_decode("MY"));
    EXPECT_FALSE(base32_decode("mz"));  // leftover bits set
    EXPECT_FALSE(base32_decode("m"));
    EXPECT_FALSE(base32_decode("mzx"));
    EXPECT_FALSE(base32_decode("mzxw6y"));
    EXPECT_FALSE(base32_decode("my======"));
    EXPECT_FALSE(hex_decode("0"));
    EXPECT_FALSE(hex_decode("0G"));
    EXPECT_FALSE(hex_decode("AB"));
}

}  // namespace
}  // namespace common::crypto
