#include "common/auth/id_token.hpp"

#include "common/auth/claims.hpp"

namespace common::auth {
namespace {

using nlohmann::json;

constexpr std::int64_t skew = clock_skew_seconds;
constexpr std::size_t subject_bytes_max = 255;

std::unexpected<std::string> refuse(std::string why) { return std::unexpected(std::move(why)); }

// OpenID Connect Core §3.1.3.7, 3 to 5: for us, and if for others too, then given to us.
std::optional<std::string> find_audience_fault(const json& claims, const std::string& client_id) {
    if (!is_for(claims, {client_id})) return "its aud is not our client id";
    const auto& aud = claims.at("aud");
    const auto azp = claims.find("azp");
    if (azp == claims.end())
        return aud.is_array() && aud.size() > 1 ? std::optional("it is for several, and has no azp") : std::nullopt;
    if (*azp != client_id) return "its azp is not our client id";
    return std::nullopt;
}

std::optional<std::string> find_time_fault(const json& claims, std::int64_t now) {
    std::int64_t expires_at = 0;
    std::int64_t issued_at = 0;
    std::int64_t not_before = 0;
    if (read_date(claims, "exp", expires_at) != date_state::there) return "it has no exp";
    if (read_date(claims, "iat", issued_at) != date_state::there) return "it has no iat";
    const auto nbf = read_date(claims, "nbf", not_before);
    if (nbf == date_state::bad) return "a time is no number";
    if (expires_at + skew <= now) return "it has expired";
    if (issued_at > now + skew) return "it was issued in the future";
    if (issued_at + id_token_age_max_seconds + skew < now) return "it was not issued just now";
    if (nbf == date_state::there && not_before > now + skew) return "it is not valid yet";
    return std::nullopt;
}

}  // namespace

std::expected<token_parts, std::string> read_id_token(std::string_view token) {
    return read_token(token, {.issuer = {}, .audiences = {}, .any_type = true, .workspace_claim = {}});
}

std::expected<id_token_claims, std::string> check_id_token(const token_parts& token, const key_set& keys,
                                                           const id_token_rules& rules, std::int64_t now) {
    const verification_key* const key = keys.find(token.kid, token.algorithm);
    if (key == nullptr) return refuse("no key of the provider has its kid and alg");
    if (!key->verify(token.signed_text, token.signature)) return refuse("its signature is wrong");
    const json& claims = token.claims;
    if (text_in(claims, "iss") != rules.issuer) return refuse("its iss is not the provider");
    if (auto fault = find_audience_fault(claims, rules.client_id)) return refuse(std::move(*fault));
    if (auto fault = find_time_fault(claims, now)) return refuse(std::move(*fault));
    if (rules.nonce.empty() || text_in(claims, "nonce") != rules.nonce)
        return refuse("its nonce is not that of the request");
    id_token_claims out{.subject = text_in(claims, "sub").value_or(""), .authenticated_at = std::nullopt};
    if (out.subject.empty() || out.subject.size() > subject_bytes_max) return refuse("its sub is missing or too long");
    std::int64_t authenticated_at = 0;
    const auto auth_time = read_date(claims, "auth_time", authenticated_at);
    if (auth_time == date_state::bad) return refuse("a time is no number");
    if (auth_time == date_state::there) out.authenticated_at = authenticated_at;
    return out;
}

}  // namespace common::auth
