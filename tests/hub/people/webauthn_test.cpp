#include "hub/people/webauthn.hpp"

#include <memory>

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "common/crypto/digest.hpp"
#include "hub/people/passkey_challenges.hpp"

namespace hub::people {
namespace {

constexpr const char* origin = "https://hub.example.com";

struct test_key {
    explicit test_key(EVP_PKEY* made) : key(made, EVP_PKEY_free) {}
    std::string der() const {
        unsigned char* out = nullptr;
        const int length = i2d_PUBKEY(key.get(), &out);
        std::string bytes(reinterpret_cast<char*>(out), static_cast<std::size_t>(length));
        OPENSSL_free(out);
        return bytes;
    }
    std::string sign(const std::string& data) const {
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        const auto* digest = EVP_PKEY_base_id(key.get()) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
        EXPECT_EQ(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key.get()), 1);
        const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
        std::size_t length = 0;
        EVP_DigestSign(context.get(), nullptr, &length, bytes, data.size());
        std::string signature(length, '\0');
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, bytes, data.size());
        signature.resize(length);
        return signature;
    }
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key;
};

EVP_PKEY* make(const char* type) { return EVP_PKEY_Q_keygen(nullptr, nullptr, type); }
EVP_PKEY* make_rsa(std::size_t bits) { return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits); }
EVP_PKEY* make_ec(const char* group) { return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", group); }

std::string authenticator(unsigned flags, const std::string& rest = {}, const std::string& domain = "hub.example.com",
                          std::uint32_t count = 7) {
    std::string out = common::crypto::sha256(domain) + static_cast<char>(flags);
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(count >> shift & 0xffU);
    return out + rest;
}

std::string client_data(const std::string& type, const std::string& from, const std::string& more = {}) {
    return R"({"type":")" + type + R"(","challenge":"abc","origin":")" + from + "\"" + more + "}";
}

TEST(webauthn, passkeys_belong_to_names_that_browsers_give_them_to) {
    EXPECT_EQ(passkey_domain("https://hub.example.com"), "hub.example.com");
    EXPECT_EQ(passkey_domain("https://Hub.Example.com:8443/"), "hub.example.com");
    EXPECT_EQ(passkey_domain("http://localhost:4096"), "localhost");
    EXPECT_EQ(passkey_domain("http://hub.localhost"), "hub.localhost");
    for (const char* none : {"http://hub.example.com", "http://127.0.0.1:4096", "https://192.0.2.1",
                             "https://[::1]:4096", "http://[::1]", "http://localhost.evil.org"})
        EXPECT_EQ(passkey_domain(none), std::nullopt) << none;
}

TEST(webauthn, client_data_is_of_this_ceremony_on_this_page) {
    EXPECT_EQ(read_client_data(client_data("webauthn.get", origin), "webauthn.get", origin), "abc");
    EXPECT_EQ(read_client_data(client_data("webauthn.get", origin, R"(,"crossOrigin":false)"), "webauthn.get", origin),
              "abc");
    for (const std::string& bad :
         {std::string(), std::string("[]"), std::string("{}"), std::string("{"), client_data("webauthn.create", origin),
          client_data("webauthn.get", "https://evil.org"),
          client_data("webauthn.get", "https://hub.example.com.evil.org"),
          client_data("webauthn.get", "http://hub.example.com"),
          client_data("webauthn.get", origin, R"(,"crossOrigin":true)"),
          client_data("webauthn.get", origin, R"(,"crossOrigin":"no")"),
          client_data("webauthn.get", origin, R"(,"x":")" + std::string(4096, 'x') + "\"")})
        EXPECT_FALSE(read_client_data(bad, "webauthn.get", origin)) << bad;
    EXPECT_EQ(read_client_data(R"({"type":"webauthn.get","challenge":1,"origin":"https://hub.example.com"})",
                               "webauthn.get", origin),
              "");
}

TEST(webauthn, the_authenticator_speaks_for_this_domain_and_has_seen_the_person) {
    const auto read = [](const std::string& bytes) { return read_authenticator_data(bytes, "hub.example.com"); };
    const auto plain = read(authenticator(0x05, {}, "hub.example.com", 0x01020304));
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->sign_count, 0x01020304U);
    EXPECT_EQ(plain->credential_id, "");
    EXPECT_FALSE(read(authenticator(0x05, {}, "example.com")));
    for (const unsigned flags : {0x00U, 0x01U, 0x04U, 0x40U, 0xc1U}) EXPECT_FALSE(read(authenticator(flags))) << flags;
    const std::string id = "credential id";
    const std::string attested = std::string(16, 'a') + std::string("\0\x0d", 2) + id + "cose key";
    EXPECT_EQ(read(authenticator(0x45, attested))->credential_id, id);
    const std::string whole = authenticator(0x45, attested);
    for (std::size_t length = 0; length < whole.size() - 8; ++length)
        EXPECT_FALSE(read(whole.substr(0, length))) << length;
    EXPECT_FALSE(read(authenticator(0x45, std::string(16, 'a') + std::string("\0\0", 2) + "x")));
    EXPECT_FALSE(
        read(authenticator(0x45, std::string(16, 'a') + std::string("\xff\xff", 2) + std::string(65535, 'x'))));
}

TEST(webauthn, signatures_of_the_three_kinds_and_no_others) {
    const std::string data = authenticator(0x05);
    const std::string json = client_data("webauthn.get", origin);
    for (EVP_PKEY* made : {make_ec("P-256"), make_rsa(2048), make("ED25519")}) {
        const test_key key(made);
        ASSERT_TRUE(is_passkey_key(key.der()));
        const auto signature = key.sign(data + common::crypto::sha256(json));
        EXPECT_TRUE(is_passkey_signature(key.der(), data, json, signature));
        EXPECT_FALSE(is_passkey_signature(key.der(), data, json + " ", signature));
        EXPECT_FALSE(is_passkey_signature(key.der(), authenticator(0x05, {}, "hub.example.com", 8), json, signature));
        EXPECT_FALSE(is_passkey_signature(key.der(), data, json, key.sign(json)));
        EXPECT_FALSE(is_passkey_signature(key.der(), data, json, ""));
        EXPECT_FALSE(is_passkey_signature(test_key(make_ec("P-256")).der(), data, json, signature));
        EXPECT_FALSE(is_passkey_key(key.der() + "x"));
        EXPECT_FALSE(is_passkey_key(key.der().substr(1)));
    }
    for (EVP_PKEY* made : {make_ec("P-384"), make_ec("secp256k1"), make_rsa(1024), make("X25519")})
        EXPECT_FALSE(is_passkey_key(test_key(made).der()));
    EXPECT_FALSE(is_passkey_key(""));
    EXPECT_FALSE(is_passkey_key(std::string(5000, 'x')));
}

TEST(passkey_challenges, are_good_once_for_two_minutes_and_for_one_browser) {
    passkey_challenges challenges;
    passkey_challenges::time_point now{std::chrono::hours(1)};
    const auto one = challenges.issue("ada", now);
    EXPECT_EQ(one.size(), 43U);
    EXPECT_NE(one, challenges.issue("ada", now));
    EXPECT_TRUE(challenges.take(one, "ada", now + std::chrono::seconds(119)));
    EXPECT_FALSE(challenges.take(one, "ada", now));
    const auto stolen = challenges.issue("ada", now);
    EXPECT_FALSE(challenges.take(stolen, "eve", now));
    EXPECT_FALSE(challenges.take(stolen, "ada", now)) << "and is used up by it";
    const auto old = challenges.issue("ada", now);
    EXPECT_FALSE(challenges.take(old, "ada", now + std::chrono::seconds(120)));
    EXPECT_FALSE(challenges.take("", "ada", now));
    const auto first = challenges.issue("ada", now);
    for (std::size_t i = 0; i < passkey_challenges::kept_max; ++i)
        (void)challenges.issue("eve", now + std::chrono::seconds(1));
    EXPECT_FALSE(challenges.take(first, "ada", now)) << "bounded: the oldest goes";
}

}  // namespace
}  // namespace hub::people
