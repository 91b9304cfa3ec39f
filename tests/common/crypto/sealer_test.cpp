#include "common/crypto/sealer.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

namespace common::crypto {
namespace {

TEST(sealer, opens_what_it_sealed) {
    const sealer s(random_bytes(32));
    for (const std::string text : {"", "x", "{\"session\":\"…\"}"}) EXPECT_EQ(s.open(s.seal(text, "who"), "who"), text);
    const std::string longest(sealer::plaintext_bytes_max, '\0');
    EXPECT_EQ(s.open(s.seal(longest)), longest);
}

TEST(sealer, gives_another_string_each_time_in_header_safe_characters) {
    const sealer s(random_bytes(32));
    const auto one = s.seal("text");
    EXPECT_NE(one, s.seal("text"));
    EXPECT_EQ(one.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    EXPECT_EQ(one.find("text"), std::string::npos);
}

TEST(sealer, binds_the_associated_data) {
    const sealer s(random_bytes(32));
    const auto sealed = s.seal("text", "user a");
    EXPECT_FALSE(s.open(sealed, "user b"));
    EXPECT_FALSE(s.open(sealed, ""));
    EXPECT_FALSE(s.open(s.seal("text"), "user a"));
}

TEST(sealer, refuses_foreign_keys_and_opens_old_ones) {
    const auto old_key = random_bytes(32);
    const auto new_key = random_bytes(32);
    const sealer before(old_key);
    const sealer after({new_key, old_key});
    const auto sealed = before.seal("text");
    EXPECT_EQ(after.open(sealed), "text");
    EXPECT_FALSE(sealer(new_key).open(sealed));
    EXPECT_FALSE(before.open(after.seal("text")));
}

TEST(sealer, refuses_every_flipped_bit_and_every_truncation) {
    const sealer s(random_bytes(32));
    const auto sealed = s.seal("some text", "who");
    const auto raw = *base64url_decode(sealed);
    for (std::size_t bit = 0; bit < raw.size() * 8; ++bit) {
        auto changed = raw;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(s.open(base64url_encode(changed), "who")) << bit;
    }
    for (std::size_t length = 0; length < sealed.size(); ++length)
        EXPECT_FALSE(s.open(sealed.substr(0, length), "who")) << length;
    EXPECT_FALSE(s.open(sealed + "A", "who"));
    EXPECT_FALSE(s.open(sealed + "=", "who"));
    EXPECT_FALSE(s.open(std::string(1'000'000, 'A'), "who"));
}

TEST(sealer, misuse_throws) {
    EXPECT_THROW(sealer(std::string("short")), std::logic_error);
    EXPECT_THROW(sealer(std::vector<std::string>{}), std::logic_error);
    const sealer s(random_bytes(32));
    EXPECT_THROW(s.seal(std::string(sealer::plaintext_bytes_max + 1, 'x')), std::logic_error);
}

}  // namespace
}  // namespace common::crypto
