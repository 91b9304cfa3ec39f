// JWT access tokens (RFC 9068) of an external authorization server, checked as a resource server must: by the server's
// keys, for this resource, now. Pure. What is wrong with a token is for the log: the caller is told one sentence for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/auth/json_web_key.hpp"

namespace common::auth {

// Who a token is for, whichever way it was checked.
struct token_claims {
    std::string issuer;
    std::string subject;    // 1 to 255 bytes
    std::string client_id;  // may be empty
    std::vector<std::string> scopes;
    std::string workspace;        // the claim that token_rules names; empty without
    std::int64_t expires_at = 0;  // seconds since 1970; 0: the server did not say

    bool operator==(const token_claims&) const = default;
};

struct token_rules {
    std::string issuer;                  // compared byte by byte
    std::vector<std::string> audiences;  // the spellings of the resource that a token must be for
    bool any_type = false;               // take tokens whose "typ" is not at+jwt: some servers send JWT, or nothing
    std::string workspace_claim;         // empty: none
};

inline constexpr std::size_t token_bytes_max = 8 << 10;
// So much may the server's clock and ours differ.
inline constexpr std::int64_t clock_skew_seconds = 60;

// The three parts of a token, not verified yet.
struct token_parts {
    std::string_view signed_text;  // of the token
    std::string signature;
    std::string kid;  // may be empty
    signature_algorithm algorithm = signature_algorithm::es256;
    nlohmann::json claims;
};

// By form alone: what is refused here needs no key.
std::expected<token_parts, std::string> read_token(std::string_view token, const token_rules& rules);

// Signature, then claims. `now` is in seconds since 1970.
std::expected<token_claims, std::string> check_token(const token_parts& token, const key_set& keys,
                                                     const token_rules& rules, std::int64_t now);

// The claims alone, which are also the members of an introspection's answer: there an issuer may be missing.
enum class claims_of { token, introspection };
std::expected<token_claims, std::string> check_claims(const nlohmann::json& claims, const token_rules& rules,
                                                      std::int64_t now, claims_of where);

}  // namespace common::auth
