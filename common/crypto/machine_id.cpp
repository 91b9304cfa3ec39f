#include "common/crypto/machine_id.hpp"

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"

namespace common::crypto {

namespace {

constexpr std::string_view prefix = "m_";
constexpr std::size_t hash_bytes = 15;
constexpr std::size_t group = 4;

}  // namespace

std::string machine_id_of(std::string_view public_key) {
    return std::string(prefix) + base32_encode(sha256(public_key).substr(0, hash_bytes));
}

std::string shown_fingerprint(std::string_view machine_id) {
    if (machine_id.starts_with(prefix)) machine_id.remove_prefix(prefix.size());
    std::string shown;
    for (std::size_t at = 0; at < machine_id.size(); at += group) {
        if (at > 0) shown += ' ';
        shown += machine_id.substr(at, group);
    }
    return shown;
}

}  // namespace common::crypto
