#include "tests/common/auth/token_maker.hpp"

#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "common/crypto/encoding.hpp"

namespace test {
namespace {

using common::crypto::base64url_encode;
using nlohmann::json;

std::string number(EVP_PKEY* key, const char* name, int width) {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key, name, &value);
    std::string out(static_cast<std::size_t>(width != 0 ? width : BN_num_bytes(value)), '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    BN_free(value);
    return out;
}

std::string to_raw(std::string_view der, int width) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size()));
    std::string out(static_cast<std::size_t>(2 * width), '\0');
    auto* at = reinterpret_cast<unsigned char*>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), at, width);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), at + width, width);
    ECDSA_SIG_free(pair);
    return out;
}

}  // namespace

signing_key::signing_key(kind k, std::string kid) : kind_(k), kid_(std::move(kid)) {
    EVP_PKEY* made = nullptr;
    switch (k) {
        case kind::ec:
            made = EVP_EC_gen("P-256");
            break;
        case kind::ec384:
            made = EVP_EC_gen("P-384");
            break;
        case kind::rsa:
            made = EVP_RSA_gen(2048);
            break;
        case kind::rsa1024:
            made = EVP_RSA_gen(1024);
            break;
        case kind::ed25519:
            made = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
            break;
    }
    if (made == nullptr) throw std::runtime_error("no key");
    key_.reset(made, EVP_PKEY_free);
}

std::string signing_key::algorithm() const {
    switch (kind_) {
        case kind::ec:
            return "ES256";
        case kind::ec384:
            return "ES384";
        case kind::ed25519:
            return "EdDSA";
        default:
            return "RS256";
    }
}

json signing_key::jwk() const {
    json out{{"kid", kid_}, {"use", "sig"}, {"alg", algorithm()}};
    if (kind_ == kind::ec || kind_ == kind::ec384) {
        const int width = kind_ == kind::ec ? 32 : 48;
        out["kty"] = "EC";
        out["crv"] = kind_ == kind::ec ? "P-256" : "P-384";
        out["x"] = base64url_encode(number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, width));
        out["y"] = base64url_encode(number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, width));
    } else if (kind_ == kind::ed25519) {
        std::string raw(32, '\0');
        std::size_t size = raw.size();
        EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
        out["kty"] = "OKP";
        out["crv"] = "Ed25519";
        out["x"] = base64url_encode(raw);
    } else {
        out["kty"] = "RSA";
        out["n"] = base64url_encode(number(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0));
        out["e"] = base64url_encode(number(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0));
    }
    return out;
}

std::string signing_key::sign(std::string_view message, std::string_view algorithm) const {
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* parameters = nullptr;
    const EVP_MD* const digest = kind_ == kind::ed25519 ? nullptr : EVP_sha256();
    EVP_DigestSignInit(context, &parameters, digest, nullptr, key_.get());
    if (algorithm == "PS256") {
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
    std::size_t size = 0;
    EVP_DigestSign(context, nullptr, &size, bytes, message.size());
    std::string out(size, '\0');
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, bytes, message.size());
    EVP_MD_CTX_free(context);
    out.resize(size);
    if (kind_ == kind::ec) return to_raw(out, 32);
    if (kind_ == kind::ec384) return to_raw(out, 48);
    return out;
}

std::string signing_key::public_pem() const {
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, key_.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string out(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
}

json key_set_json(std::initializer_list<json> keys) {
    json list = json::array();
    for (const auto& key : keys) list.push_back(key);
    return {{"keys", std::move(list)}};
}

std::string encode(const json& part) { return base64url_encode(part.dump()); }

std::string make_token(const signing_key& key, json claims, json header) {
    if (!header.contains("alg")) header["alg"] = key.algorithm();
    if (!header.contains("kid")) header["kid"] = key.jwk()["kid"];
    const std::string text = encode(header) + "." + encode(claims);
    return text + "." + base64url_encode(key.sign(text, header["alg"].get<std::string>()));
}

}  // namespace test
