#include "common/crypto/ed25519_key.hpp"

#include <cstdlib>
#include <fstream>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "common/crypto/encoding.hpp"

namespace common::crypto {
namespace {

class ed25519_key_files : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "codez-key-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::filesystem::path file() const { return directory_ / "machine.key"; }
    std::filesystem::path directory_;
};

std::string pkcs8_pem(std::string_view secret) {
    // RFC 8410 §7: a fixed prefix, then the 32 bytes; PEM is base64, which differs in two characters.
    auto body = base64url_encode(*hex_decode("302e020100300506032b657004220420") + std::string(secret));
    for (auto& c : body) c = c == '-' ? '+' : c == '_' ? '/' : c;
    return "-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----\n";
}

TEST(ed25519_key, matches_rfc_8032_test_2) {
    const auto secret = hex_decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    const auto key = ed25519_key::from_pem(pkcs8_pem(*secret));
    ASSERT_TRUE(key);
    EXPECT_EQ(hex_encode(key->public_key()), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    EXPECT_EQ(hex_encode(key->sign("\x72")),
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    EXPECT_TRUE(ed25519_key::verify(key->public_key(), "\x72", key->sign("\x72")));
}

TEST(ed25519_key, verify_refuses_what_is_wrong_or_malformed) {
    const auto key = ed25519_key::generate();
    const auto good = key.sign("message");
    ASSERT_TRUE(ed25519_key::verify(key.public_key(), "message", good));
    EXPECT_FALSE(ed25519_key::verify(key.public_key(), "messagf", good));
    EXPECT_FALSE(ed25519_key::verify(ed25519_key::generate().public_key(), "message", good));
    auto flipped = good;
    flipped[10] = static_cast<char>(flipped[10] ^ 1);
    EXPECT_FALSE(ed25519_key::verify(key.public_key(), "message", flipped));
    EXPECT_FALSE(ed25519_key::verify(key.public_key(), "message", good.substr(1)));
    EXPECT_FALSE(ed25519_key::verify(key.public_key(), "message", ""));
    EXPECT_FALSE(ed25519_key::verify("", "message", good));
    EXPECT_FALSE(ed25519_key::verify(std::string(32, '\xff'), "message", good));
}

TEST(ed25519_key, signs_an_empty_message) {
    const auto key = ed25519_key::generate();
    EXPECT_TRUE(ed25519_key::verify(key.public_key(), "", key.sign("")));
    EXPECT_FALSE(ed25519_key::verify(key.public_key(), "x", key.sign("")));
}

TEST(ed25519_key, pem_round_trip_and_foreign_pems) {
    const auto key = ed25519_key::generate();
    const auto pem = key.to_pem();
    ASSERT_TRUE(ed25519_key::from_pem(pem));
    EXPECT_EQ(ed25519_key::from_pem(pem)->public_key(), key.public_key());
    EXPECT_FALSE(ed25519_key::from_pem(""));
    EXPECT_FALSE(ed25519_key::from_pem("no key"));
    EXPECT_FALSE(ed25519_key::from_pem(pem.substr(0, pem.size() / 2)));
    EXPECT_FALSE(ed25519_key::from_pem(std::string(5000, 'A') + pem));
}

TEST_F(ed25519_key_files, are_private_and_never_overwritten) {
    const auto key = ed25519_key::generate();
    ASSERT_TRUE(key.save(file()));
    struct stat info{};
    ASSERT_EQ(::stat(file().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    const auto loaded = ed25519_key::load(file());
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->public_key(), key.public_key());

    const auto again = ed25519_key::generate().save(file());
    ASSERT_FALSE(again);
    EXPECT_NE(again.error().find(file().string()), std::string::npos);
    EXPECT_EQ(ed25519_key::load(file())->public_key(), key.public_key());
}

TEST_F(ed25519_key_files, that_others_can_read_are_refused) {
    ASSERT_TRUE(ed25519_key::generate().save(file()));
    std::filesystem::permissions(file(), std::filesystem::perms::group_read, std::filesystem::perm_options::add);
    const auto loaded = ed25519_key::load(file());
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().find("chmod 600"), std::string::npos);
}

TEST_F(ed25519_key_files, that_are_missing_damaged_or_no_files_are_refused) {
    EXPECT_FALSE(ed25519_key::load(file()));
    EXPECT_FALSE(ed25519_key::load(directory_));
    EXPECT_FALSE(ed25519_key::generate().save(directory_ / "absent" / "machine.key"));
    std::ofstream(file()) << "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    std::filesystem::permissions(file(), std::filesystem::perms::owner_read);
    EXPECT_FALSE(ed25519_key::load(file()));
}

}  // namespace
}  // namespace common::crypto
