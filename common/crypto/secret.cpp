#include "common/crypto/secret.hpp"

#include <cstdint>

#include <boost/crc.hpp>

#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"

namespace common::crypto {

namespace {

constexpr std::size_t secret_bytes = 32;
constexpr std::size_t random_chars = 43;
constexpr std::size_t checksum_chars = 6;  // 62^6 > 2^32

std::string checksum_of(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    boost::crc_32_type crc;
    crc.process_bytes(text.data(), text.size());
    std::uint32_t value = crc.checksum();
    std::string out(checksum_chars, digits.front());
    for (auto at = out.rbegin(); at != out.rend(); ++at) {
        *at = digits[value % digits.size()];
        value /= static_cast<std::uint32_t>(digits.size());
    }
    return out;
}

}  // namespace

std::string new_secret(std::string_view prefix) {
    std::string secret(prefix);
    secret += base64url_encode(random_bytes(secret_bytes));
    return secret + checksum_of(secret);
}

bool looks_like(std::string_view prefix, std::string_view secret) {
    if (!secret.starts_with(prefix) || secret.size() != prefix.size() + random_chars + checksum_chars) return false;
    const auto checksum = secret.substr(secret.size() - checksum_chars);
    secret.remove_suffix(checksum_chars);
    return checksum_of(secret) == checksum && base64url_decode(secret.substr(prefix.size())).has_value();
}

}  // namespace common::crypto
