// Public keys of an authorization server (RFC 7517): those of them that may sign access tokens here. Immutable, shareable
// between threads. Bounded: 64 keys, 256 KiB.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

namespace common::auth {

// Never "none", never a MAC: whoever can verify one of those can also make it.
enum class signature_algorithm { es256, rs256, ps256, ed25519 };

// "ES256", "RS256", "PS256", "EdDSA" or "Ed25519".
std::optional<signature_algorithm> parse_algorithm(std::string_view name);

class verification_key {
public:
    verification_key(std::string kid, signature_algorithm algorithm, EVP_PKEY* key);

    const std::string& kid() const { return kid_; }  // may be empty
    signature_algorithm algorithm() const { return algorithm_; }
    // A JWS signature (RFC 7518 §3): for ES256 r and s, 32 bytes each. False for anything malformed.
    bool verify(std::string_view message, std::string_view signature) const;

private:
    std::string kid_;
    signature_algorithm algorithm_;
    std::shared_ptr<EVP_PKEY> key_;
};

class key_set {
public:
    static constexpr std::size_t body_bytes_max = 256 << 10;
    static constexpr std::size_t keys_max = 64;

    // Keys of other kinds, for other uses, or too weak are left out: a set may serve many. The error is a sentence.
    static std::expected<key_set, std::string> parse(std::string_view body);

    bool has(std::string_view kid) const;
    // An empty `kid`, of a token that names none, finds the only key of a set with one.
    const verification_key* find(std::string_view kid, signature_algorithm algorithm) const;
    std::size_t size() const { return keys_.size(); }

private:
    std::vector<verification_key> keys_;
};

}  // namespace common::auth
