// Seals short strings into opaque ids that only holders of the key can make or read (AES-256-GCM). A sealed string is
// base64url of: version, key id, nonce, ciphertext, tag. Immutable after construction, shareable between threads.
// open() gives nullopt for whatever was not sealed with one of these keys and the same associated data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace common::crypto {

class sealer {
public:
    static constexpr std::size_t key_size = 32;
    static constexpr std::size_t plaintext_bytes_max = 4096;

    // 32 raw bytes each, the newest first: it seals, all of them open. None or a wrong size throws.
    explicit sealer(std::vector<std::string> keys);
    explicit sealer(std::string key);

    // `associated` is bound to the result but not contained in it: purpose, principal. Too long a plaintext throws.
    // The nonce is random, which is safe for 2^32 seals under one key (NIST SP 800-38D §8.3).
    std::string seal(std::string_view plaintext, std::string_view associated = {}) const;
    std::optional<std::string> open(std::string_view sealed, std::string_view associated = {}) const;

private:
    struct entry {
        std::string id;  // 4 bytes, from the key's digest
        std::string key;
    };
    std::vector<entry> keys_;
};

}  // namespace common::crypto
