// A P-256 private key that signs JSON Web Signatures as ES256 (RFC 7518 §3.4). Immutable, shareable between threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/types.h>

namespace common::crypto {

class es256_key {
public:
    static es256_key generate();
    // nullopt: not a PEM of a P-256 private key.
    static std::optional<es256_key> from_pem(std::string_view pem);

    std::string to_pem() const;
    // The public key's coordinates, 32 raw bytes each.
    struct point {
        std::string x;
        std::string y;
    };
    point public_point() const;
    // r and s, 32 raw bytes each.
    std::string sign(std::string_view message) const;

private:
    explicit es256_key(EVP_PKEY* key);
    std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace common::crypto
