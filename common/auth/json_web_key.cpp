#include "common/auth/json_web_key.hpp"

#include <array>

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <nlohmann/json.hpp>

#include "common/crypto/encoding.hpp"

namespace common::auth {
namespace {

using nlohmann::json;
using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

constexpr std::size_t coordinate_bytes = 32;
constexpr std::size_t ed25519_bytes = 32;
constexpr int modulus_bits_min = 2048;
constexpr std::size_t modulus_bytes_max = 1024;
constexpr std::size_t exponent_bytes_max = 8;
constexpr std::size_t kid_bytes_max = 255;

const unsigned char* bytes_of(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

std::string text_in(const json& object, const char* name) {
    const auto member = object.find(name);
    return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

// Empty if it is not there or no base64url.
std::string bytes_in(const json& object, const char* name) {
    return crypto::base64url_decode(text_in(object, name)).value_or(std::string());
}

key_ptr from_parameters(const char* type, OSSL_PARAM_BLD* builder) {
    key_ptr none(nullptr, EVP_PKEY_free);
    const std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)> parameters(OSSL_PARAM_BLD_to_param(builder),
                                                                             OSSL_PARAM_free);
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), EVP_PKEY_CTX_free);
    EVP_PKEY* made = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
        return none;
    return {made, EVP_PKEY_free};
}

key_ptr make_ec(const json& jwk) {
    key_ptr none(nullptr, EVP_PKEY_free);
    const std::string x = bytes_in(jwk, "x");
    const std::string y = bytes_in(jwk, "y");
    if (text_in(jwk, "crv") != "P-256" || x.size() != coordinate_bytes || y.size() != coordinate_bytes) return none;
    const std::string point = "\x04" + x + y;  // SEC 1, uncompressed
    const std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)> builder(OSSL_PARAM_BLD_new(),
                                                                                  OSSL_PARAM_BLD_free);
    if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
        return none;
    return from_parameters("EC", builder.get());  // refuses a point that is not on the curve
}

key_ptr make_rsa(const json& jwk) {
    key_ptr none(nullptr, EVP_PKEY_free);
    const std::string n = bytes_in(jwk, "n");
    const std::string e = bytes_in(jwk, "e");
    if (n.empty() || n.size() > modulus_bytes_max || e.empty() || e.size() > exponent_bytes_max) return none;
    using number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
    const number modulus(BN_bin2bn(bytes_of(n), static_cast<int>(n.size()), nullptr), BN_free);
    const number exponent(BN_bin2bn(bytes_of(e), static_cast<int>(e.size()), nullptr), BN_free);
    if (!modulus || !exponent || BN_num_bits(modulus.get()) < modulus_bits_min || !BN_is_odd(modulus.get()) ||
        !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()))
        return none;
    const std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)> builder(OSSL_PARAM_BLD_new(),
                                                                                  OSSL_PARAM_BLD_free);
    if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return none;
    return from_parameters("RSA", builder.get());
}

key_ptr make_okp(const json& jwk) {
    const std::string x = bytes_in(jwk, "x");
    if (text_in(jwk, "crv") != "Ed25519" || x.size() != ed25519_bytes) return {nullptr, EVP_PKEY_free};
    return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x), x.size()), EVP_PKEY_free};
}

bool may_verify(const json& jwk) {
    const auto use = jwk.find("use");
    if (use != jwk.end() && *use != "sig") return false;
    const auto operations = jwk.find("key_ops");
    if (operations == jwk.end()) return true;
    return operations->is_array() && std::ranges::find(*operations, json("verify")) != operations->end();
}

// What the key's kind can do, unless "alg" says something else that it can do as well.
std::optional<signature_algorithm> algorithm_of(const json& jwk, const std::string& type) {
    using enum signature_algorithm;
    const auto usual = type == "EC" ? es256 : type == "RSA" ? rs256 : ed25519;
    if (!jwk.contains("alg")) return usual;
    const auto named = parse_algorithm(text_in(jwk, "alg"));
    if (named == usual || (usual == rs256 && named == ps256)) return named;
    return std::nullopt;
}

std::optional<verification_key> make_key(const json& jwk) {
    if (!jwk.is_object() || !may_verify(jwk)) return std::nullopt;
    const std::string type = text_in(jwk, "kty");
    const std::string kid = text_in(jwk, "kid");
    if ((type != "EC" && type != "RSA" && type != "OKP") || kid.size() > kid_bytes_max) return std::nullopt;
    const auto algorithm = algorithm_of(jwk, type);
    if (!algorithm) return std::nullopt;
    key_ptr key = type == "EC" ? make_ec(jwk) : type == "RSA" ? make_rsa(jwk) : make_okp(jwk);
    ERR_clear_error();
    if (!key) return std::nullopt;
    return verification_key(kid, *algorithm, key.release());
}

// r and s as OpenSSL wants them. Empty if they are not 32 bytes each.
std::string to_der(std::string_view raw) {
    if (raw.size() != 2 * coordinate_bytes) return {};
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(ECDSA_SIG_new(), ECDSA_SIG_free);
    BIGNUM* const r = BN_bin2bn(bytes_of(raw), coordinate_bytes, nullptr);
    BIGNUM* const s = BN_bin2bn(bytes_of(raw.substr(coordinate_bytes)), coordinate_bytes, nullptr);
    if (!pair || r == nullptr || s == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return {};
    }
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    if (size <= 0) return {};
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

bool use_pss(EVP_PKEY_CTX* context) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

}  // namespace

std::optional<signature_algorithm> parse_algorithm(std::string_view name) {
    if (name == "ES256") return signature_algorithm::es256;
    if (name == "RS256") return signature_algorithm::rs256;
    if (name == "PS256") return signature_algorithm::ps256;
    if (name == "EdDSA" || name == "Ed25519") return signature_algorithm::ed25519;
    return std::nullopt;
}

verification_key::verification_key(std::string kid, signature_algorithm algorithm, EVP_PKEY* key)
    : kid_(std::move(kid)), algorithm_(algorithm), key_(key, EVP_PKEY_free) {}

bool verification_key::verify(std::string_view message, std::string_view signature) const {
    const std::string der = algorithm_ == signature_algorithm::es256 ? to_der(signature) : std::string(signature);
    if (der.empty()) return false;
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_PKEY_CTX* parameters = nullptr;  // the context's
    const EVP_MD* const digest = algorithm_ == signature_algorithm::ed25519 ? nullptr : EVP_sha256();
    const bool good =
        context && EVP_DigestVerifyInit(context.get(), &parameters, digest, nullptr, key_.get()) == 1 &&
        (algorithm_ != signature_algorithm::ps256 || use_pss(parameters)) &&
        EVP_DigestVerify(context.get(), bytes_of(der), der.size(), bytes_of(message), message.size()) == 1;
    ERR_clear_error();
    return good;
}

std::expected<key_set, std::string> key_set::parse(std::string_view body) {
    if (body.size() > body_bytes_max) return std::unexpected("The key set is larger than 256 KiB.");
    const json document = json::parse(body, nullptr, false);
    if (!document.is_object()) return std::unexpected("The key set is no JSON object.");
    const auto keys = document.find("keys");
    if (keys == document.end() || !keys->is_array()) return std::unexpected("The key set has no list of keys.");
    if (keys->size() > keys_max) return std::unexpected("The key set has more than 64 keys.");
    key_set set;
    for (const auto& jwk : *keys)
        if (auto key = make_key(jwk)) set.keys_.push_back(std::move(*key));
    if (set.keys_.empty())
        return std::unexpected("The key set has no key for ES256, RS256, PS256 or Ed25519 signatures.");
    return set;
}

bool key_set::has(std::string_view kid) const {
    return kid.empty() || std::ranges::any_of(keys_, [&](const auto& key) { return key.kid() == kid; });
}

const verification_key* key_set::find(std::string_view kid, signature_algorithm algorithm) const {
    if (kid.empty()) return keys_.size() == 1 && keys_.front().algorithm() == algorithm ? &keys_.front() : nullptr;
    const auto found =
        std::ranges::find_if(keys_, [&](const auto& key) { return key.kid() == kid && key.algorithm() == algorithm; });
    return found == keys_.end() ? nullptr : &*found;
}

}  // namespace common::auth
