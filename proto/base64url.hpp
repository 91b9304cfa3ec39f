// Base64url without padding (RFC 4648 §5): how nonces, signatures and cursors travel in JSON. Plain functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace proto {

std::string base64url_encode(std::string_view bytes);
// Strict: padding, other characters, impossible lengths and non-zero left-over bits are refused, so that one value has
// one text.
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace proto
