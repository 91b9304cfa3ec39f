#include "common/auth/json_web_key.hpp"

#include <gtest/gtest.h>

#include "common/crypto/encoding.hpp"
#include "tests/common/auth/token_maker.hpp"

namespace {
using namespace common::auth;
using nlohmann::json;
using test::key_set_json;
using test::signing_key;

const json& ec_jwk() {
    static const json jwk = signing_key(signing_key::kind::ec, "es-1").jwk();
    return jwk;
}
const json& rsa_jwk() {
    static const json jwk = signing_key(signing_key::kind::rsa, "rs-1").jwk();
    return jwk;
}

std::size_t usable(const json& jwk) {
    const auto set = key_set::parse(key_set_json({jwk}).dump());
    return set ? set->size() : 0;
}

json changed(json jwk, const char* name, const json& value) {
    jwk[name] = value;
    return jwk;
}

TEST(key_set, finds_keys_by_kid_and_algorithm) {
    const auto set = key_set::parse(key_set_json({ec_jwk(), rsa_jwk()}).dump());
    ASSERT_TRUE(set) << set.error();
    EXPECT_NE(set->find("es-1", signature_algorithm::es256), nullptr);
    EXPECT_EQ(set->find("es-1", signature_algorithm::rs256), nullptr);
    EXPECT_EQ(set->find("es-2", signature_algorithm::es256), nullptr);
    EXPECT_EQ(set->find("", signature_algorithm::es256), nullptr);  // there are two
    EXPECT_TRUE(set->has("rs-1"));
    EXPECT_FALSE(set->has("x"));
    const auto single = key_set::parse(key_set_json({ec_jwk()}).dump());
    EXPECT_NE(single->find("", signature_algorithm::es256), nullptr);
    EXPECT_EQ(single->find("", signature_algorithm::rs256), nullptr);
}

TEST(key_set, a_key_without_alg_is_for_the_usual_one) {
    json jwk = rsa_jwk();
    jwk.erase("alg");
    const auto set = key_set::parse(key_set_json({jwk}).dump());
    ASSERT_TRUE(set);
    EXPECT_NE(set->find("rs-1", signature_algorithm::rs256), nullptr);
    EXPECT_EQ(set->find("rs-1", signature_algorithm::ps256), nullptr);
    EXPECT_EQ(usable(changed(signing_key(signing_key::kind::ed25519, "e").jwk(), "alg", "Ed25519")), 1U);
}

TEST(key_set, leaves_out_what_it_must_not_use) {
    EXPECT_EQ(usable(ec_jwk()), 1U);
    EXPECT_EQ(usable(changed(ec_jwk(), "key_ops", json::array({"verify"}))), 1U);
    EXPECT_EQ(usable(changed(ec_jwk(), "key_ops", json::array({"sign"}))), 0U);
    EXPECT_EQ(usable(changed(ec_jwk(), "key_ops", "verify")), 0U);
    EXPECT_EQ(usable(changed(ec_jwk(), "use", "enc")), 0U);
    EXPECT_EQ(usable(changed(ec_jwk(), "use", 1)), 0U);
    for (const auto* alg : {"none", "HS256", "RS256", "ES384", ""})
        EXPECT_EQ(usable(changed(ec_jwk(), "alg", alg)), 0U) << alg;
    EXPECT_EQ(usable(changed(rsa_jwk(), "alg", "PS256")), 1U);
    EXPECT_EQ(usable(changed(rsa_jwk(), "alg", "RSA-OAEP")), 0U);
    EXPECT_EQ(usable({{"kty", "oct"}, {"kid", "h"}, {"k", "c2VjcmV0"}, {"alg", "HS256"}}), 0U);
    EXPECT_EQ(usable(signing_key(signing_key::kind::ec384, "e").jwk()), 0U);
    EXPECT_EQ(usable(changed(ec_jwk(), "kid", std::string(256, 'k'))), 0U);
    // Another kind's members under a name.
    EXPECT_EQ(usable(changed(ec_jwk(), "kty", "RSA")), 0U);
    EXPECT_EQ(usable(changed(rsa_jwk(), "kty", "EC")), 0U);
}

TEST(key_set, leaves_out_weak_and_broken_keys) {
    EXPECT_EQ(usable(signing_key(signing_key::kind::rsa1024, "r").jwk()), 0U);
    for (const auto* e : {"AQ", "AA", "Ag", "", "AQAB=", "AQABAQABAQABAQAB"})
        EXPECT_EQ(usable(changed(rsa_jwk(), "e", e)), 0U) << e;
    std::string huge(1025, '\xff');
    EXPECT_EQ(usable(changed(rsa_jwk(), "n", common::crypto::base64url_encode(huge))), 0U);
    std::string even = *common::crypto::base64url_decode(rsa_jwk()["n"].get<std::string>());
    even.back() = static_cast<char>(even.back() & ~1);
    EXPECT_EQ(usable(changed(rsa_jwk(), "n", common::crypto::base64url_encode(even))), 0U);
    // Leading zeros do not make a short modulus long.
    const auto weak = signing_key(signing_key::kind::rsa1024, "r").jwk();
    const auto n = std::string(128, '\0') + *common::crypto::base64url_decode(weak["n"].get<std::string>());
    EXPECT_EQ(usable(changed(weak, "n", common::crypto::base64url_encode(n))), 0U);
    // A point that is not on the curve.
    EXPECT_EQ(usable(changed(ec_jwk(), "x", common::crypto::base64url_encode(std::string(32, '\1')))), 0U);
    EXPECT_EQ(usable(changed(ec_jwk(), "x", common::crypto::base64url_encode(std::string(31, '\1')))), 0U);
    EXPECT_EQ(usable(changed(ec_jwk(), "y", 5)), 0U);
    EXPECT_EQ(usable(changed(ec_jwk(), "crv", "secp256k1")), 0U);
    json short_ed = signing_key(signing_key::kind::ed25519, "e").jwk();
    EXPECT_EQ(usable(changed(short_ed, "x", "AAAA")), 0U);
    EXPECT_EQ(usable(changed(short_ed, "crv", "Ed448")), 0U);
}

TEST(key_set, is_bounded) {
    const auto many = [](std::size_t count) {
        return key_set::parse(json{{"keys", std::vector<json>(count, ec_jwk())}}.dump());
    };
    EXPECT_TRUE(many(64));
    EXPECT_FALSE(many(65));
    EXPECT_FALSE(key_set::parse(key_set_json({ec_jwk()}).dump() + std::string(key_set::body_bytes_max, ' ')));
    for (const std::string body :
         {"", "{", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[1,null,\"x\",[]]}", "null"}) {
        const auto set = key_set::parse(body);
        EXPECT_FALSE(set) << body;
    }
    EXPECT_FALSE(key_set::parse(std::string(100'000, '[')));
}

}  // namespace
