// ID tokens (OpenID Connect Core §2) that a provider gave us for somebody who signs in there, just now. Pure. What is wrong
// with one is for the log.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "common/auth/access_token.hpp"
#include "common/auth/json_web_key.hpp"

namespace common::auth {

struct id_token_rules {
    std::string issuer;     // compared byte by byte
    std::string client_id;  // ours there
    std::string nonce;      // of the authorization request
};

struct id_token_claims {
    std::string subject;                           // 1 to 255 bytes
    std::optional<std::int64_t> authenticated_at;  // seconds since 1970, where the provider says
};

// The provider's own answer is at hand, so a token that was issued longer ago is another's.
inline constexpr std::int64_t id_token_age_max_seconds = 600;

// By form alone.
std::expected<token_parts, std::string> read_id_token(std::string_view token);

// Signature, then claims. `now` is in seconds since 1970.
std::expected<id_token_claims, std::string> check_id_token(const token_parts& token, const key_set& keys,
                                                           const id_token_rules& rules, std::int64_t now);

}  // namespace common::auth
