// Bytes as text: base64url and base32 without padding (RFC 4648 §5, §6), hex. Decoding is strict: one byte string has
// exactly one spelling, everything else (padding, other case, spaces, leftover bits) is nullopt. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace common::crypto {

std::string base64_encode(std::string_view bytes);  // RFC 4648 §4, with padding
std::string base64url_encode(std::string_view bytes);
std::optional<std::string> base64url_decode(std::string_view text);

// Lower case, so that it reads well in ids.
std::string base32_encode(std::string_view bytes);
std::optional<std::string> base32_decode(std::string_view text);

std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view text);

}  // namespace common::crypto
