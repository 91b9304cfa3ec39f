#include "agent/tools/derived_id.hpp"

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"

namespace agent::tools {

std::string id_from_key(const proto::principal& who, std::string_view purpose, std::string_view idempotency_key) {
    if (idempotency_key.empty()) return {};
    std::string text = who.key();
    text.append(1, '\0').append(purpose).append(1, '\0').append(idempotency_key);
    std::string bytes = common::crypto::sha256(text).substr(0, 16);
    bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x80);  // version 8
    bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // RFC 9562 variant
    std::string hex = common::crypto::hex_encode(bytes);
    for (const std::size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, 1, '-');
    return hex;
}

}  // namespace agent::tools
