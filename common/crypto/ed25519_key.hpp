// An Ed25519 private key (RFC 8032): a machine's or the hub's identity. Immutable, shareable between threads.
// Files are PKCS#8 PEM, mode 0600, written once and synced: an existing file is never overwritten.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/types.h>

namespace common::crypto {

class ed25519_key {
public:
    static constexpr std::size_t public_key_size = 32;
    static constexpr std::size_t signature_size = 64;

    static ed25519_key generate();
    // nullopt: not a PEM of an Ed25519 private key, or an encrypted one.
    static std::optional<ed25519_key> from_pem(std::string_view pem);

    // The errors are sentences that name the file. load() refuses a file that others than its owner may read.
    static std::expected<ed25519_key, std::string> load(const std::filesystem::path& file);
    std::expected<void, std::string> save(const std::filesystem::path& file) const;

    std::string to_pem() const;
    // 32 raw bytes.
    std::string public_key() const;
    // 64 raw bytes.
    std::string sign(std::string_view message) const;

    // False for a wrong signature and for anything malformed.
    static bool verify(std::string_view public_key, std::string_view message, std::string_view signature);

private:
    explicit ed25519_key(EVP_PKEY* key);
    std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace common::crypto
