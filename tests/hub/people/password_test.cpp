#include "hub/people/password.hpp"

#include <gtest/gtest.h>

namespace hub::people {
namespace {

TEST(password, a_hash_is_argon2id_with_its_figures_and_a_salt_of_its_own) {
    const auto hash = hash_password("correct horse battery");
    EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << hash;
    EXPECT_EQ(hash.size(), 97U) << "16 bytes of salt, 32 of hash";
    EXPECT_NE(hash, hash_password("correct horse battery"));
    EXPECT_TRUE(is_password(hash, "correct horse battery"));
    EXPECT_FALSE(is_password(hash, "correct horse batterx"));
    EXPECT_FALSE(is_password(hash, ""));
    EXPECT_FALSE(is_password(hash, "correct horse battery "));
}

TEST(password, what_is_no_hash_fits_nothing) {
    for (const char* hash : {"", "x", "$argon2id$", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA", "$2b$12$abc"})
        EXPECT_FALSE(is_password(hash, "")) << hash;
}

TEST(password, length_counts_characters) {
    EXPECT_TRUE(find_password_fault("elevenchars"));
    EXPECT_FALSE(find_password_fault("twelve chars"));
    EXPECT_TRUE(find_password_fault("王王王王王王王王王王王"));
    std::string longest;
    for (int i = 0; i < 128; ++i) longest += "𝛑";
    EXPECT_FALSE(find_password_fault(longest));
    EXPECT_TRUE(is_password(hash_password(longest), longest));
    EXPECT_TRUE(find_password_fault(std::string(129, 'x')));
    EXPECT_TRUE(find_password_fault(longest + "x"));
    EXPECT_FALSE(is_password(hash_password("x"), std::string(1'000'000, 'x')));
}

TEST(password, is_the_same_however_a_keyboard_spells_it) {
    const std::string composed = "Zo\u00eb caf\u00e9 \ufb01ne";  // ë, é, the ligature fi
    const std::string decomposed = "Zoe\u0308 cafe\u0301 fine";
    ASSERT_NE(composed, decomposed);
    EXPECT_TRUE(is_password(hash_password(composed), decomposed));
    EXPECT_TRUE(is_password(hash_password(decomposed), composed));
    EXPECT_FALSE(is_password(hash_password(composed), "Zoe cafe fine"));
    // Twelve letters are typed as twenty-four.
    std::string accents;
    for (int i = 0; i < 12; ++i) accents += "e\u0301";
    EXPECT_FALSE(find_password_fault(accents));
    EXPECT_TRUE(find_password_fault(accents.substr(0, accents.size() / 2))) << "six of them";
    const std::string broken = "twelve chars\xff";
    EXPECT_FALSE(is_password(hash_password("twelve chars"), broken));
}

TEST(password, is_text) {
    EXPECT_TRUE(find_password_fault("twelve chars\xff"));
    EXPECT_TRUE(find_password_fault(std::string("twelve\0chars!", 13)));
    EXPECT_TRUE(find_password_fault("")->ends_with("."));
}

}  // namespace
}  // namespace hub::people
