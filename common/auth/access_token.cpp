#include "common/auth/access_token.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "common/auth/claims.hpp"
#include "common/crypto/encoding.hpp"

namespace common::auth {
namespace {

using nlohmann::json;

constexpr std::int64_t skew = clock_skew_seconds;
constexpr std::int64_t lifetime_max = 24 * 3600;
constexpr std::size_t subject_bytes_max = 255;
constexpr std::size_t scopes_max = 100;
constexpr std::size_t name_bytes_max = 2048;

std::unexpected<std::string> refuse(std::string why) { return std::unexpected(std::move(why)); }

std::optional<json> object_in(std::string_view encoded) {
    const auto text = crypto::base64url_decode(encoded);
    if (!text) return std::nullopt;
    json object = json::parse(*text, nullptr, false);
    if (!object.is_object()) return std::nullopt;
    return object;
}

bool is_access_token_type(const json& header) {
    auto type = text_in(header, "typ").value_or("");
    std::ranges::transform(type, type.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return type == "at+jwt" || type == "application/at+jwt";
}

std::optional<std::string> find_time_fault(const json& claims, std::int64_t now, claims_of where,
                                           std::int64_t& expires_at) {
    std::int64_t issued_at = 0;
    std::int64_t not_before = 0;
    const auto exp = read_date(claims, "exp", expires_at);
    const auto iat = read_date(claims, "iat", issued_at);
    const auto nbf = read_date(claims, "nbf", not_before);
    if (exp == date_state::bad || iat == date_state::bad || nbf == date_state::bad) return "a time is no number";
    if (exp == date_state::absent && where == claims_of::token) return "it has no exp";
    if (exp == date_state::there && expires_at + skew <= now) return "it has expired";
    if (iat == date_state::there && issued_at > now + skew) return "it was issued in the future";
    if (nbf == date_state::there && not_before > now + skew) return "it is not valid yet";
    if (where == claims_of::token && expires_at - (iat == date_state::there ? issued_at : now) > lifetime_max + skew)
        return "it lives longer than a day";
    return std::nullopt;
}

void add_scopes(std::string_view text, std::vector<std::string>& scopes) {
    while (!text.empty() && scopes.size() < scopes_max) {
        const auto space = text.find(' ');
        if (space != 0) scopes.emplace_back(text.substr(0, space));
        text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    }
}

// "scope" as RFC 8693 has it, "scp" as others do.
std::vector<std::string> scopes_of(const json& claims) {
    std::vector<std::string> scopes;
    for (const char* name : {"scope", "scp"}) {
        const auto member = claims.find(name);
        if (member == claims.end()) continue;
        if (member->is_string()) add_scopes(member->get_ref<const std::string&>(), scopes);
        if (!member->is_array()) continue;
        for (const auto& scope : *member)
            if (scope.is_string()) add_scopes(scope.get_ref<const std::string&>(), scopes);
    }
    return scopes;
}

// Signs of a token that is none for a resource, or not for a bearer.
std::optional<std::string> find_kind_fault(const json& claims) {
    for (const char* name : {"nonce", "at_hash", "c_hash", "s_hash"})
        if (claims.contains(name)) return "it is an id token";
    // RFC 7800: only for who proves possession of a key, which a bearer does not.
    if (claims.contains("cnf")) return "it is bound to a key";
    return std::nullopt;
}

std::string short_text(const json& claims, const char* name) {
    auto text = text_in(claims, name).value_or("");
    return text.size() <= name_bytes_max ? text : std::string();
}

}  // namespace

std::expected<token_parts, std::string> read_token(std::string_view token, const token_rules& rules) {
    if (token.size() > token_bytes_max) return refuse("it is larger than 8 KiB");
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        return refuse("it has not three parts");
    const auto header = object_in(token.substr(0, first));
    auto claims = object_in(token.substr(first + 1, second - first - 1));
    auto signature = crypto::base64url_decode(token.substr(second + 1));
    if (!header || !claims || !signature) return refuse("a part is no base64url of what it must be");
    if (header->contains("crit")) return refuse("its header has extensions that must be understood");
    if (!rules.any_type && !is_access_token_type(*header)) return refuse("its typ is not at+jwt");
    // jku, jwk, x5u and x5c are the sender's word for who he is: not looked at.
    const auto algorithm = parse_algorithm(text_in(*header, "alg").value_or(""));
    if (!algorithm) return refuse("its alg is not ES256, RS256, PS256 or EdDSA");
    if (header->contains("kid") && !text_in(*header, "kid")) return refuse("its kid is no text");
    return token_parts{.signed_text = token.substr(0, second),
                       .signature = std::move(*signature),
                       .kid = text_in(*header, "kid").value_or(""),
                       .algorithm = *algorithm,
                       .claims = std::move(*claims)};
}

std::expected<token_claims, std::string> check_claims(const json& claims, const token_rules& rules, std::int64_t now,
                                                      claims_of where) {
    const auto issuer = claims.find("iss");
    const bool may_miss = where == claims_of::introspection && issuer == claims.end();
    if (!may_miss && (issuer == claims.end() || *issuer != rules.issuer))
        return refuse("its iss is not the configured one");
    if (!is_for(claims, rules.audiences)) return refuse("its aud is not this resource");
    token_claims out;
    if (auto fault = find_time_fault(claims, now, where, out.expires_at)) return refuse(std::move(*fault));
    if (auto fault = find_kind_fault(claims)) return refuse(std::move(*fault));
    out.issuer = rules.issuer;
    out.subject = text_in(claims, "sub").value_or("");
    if (out.subject.empty() || out.subject.size() > subject_bytes_max) return refuse("its sub is missing or too long");
    out.client_id = short_text(claims, "client_id");
    if (out.client_id.empty()) out.client_id = short_text(claims, "azp");
    out.scopes = scopes_of(claims);
    if (!rules.workspace_claim.empty()) out.workspace = short_text(claims, rules.workspace_claim.c_str());
    return out;
}

std::expected<token_claims, std::string> check_token(const token_parts& token, const key_set& keys,
                                                     const token_rules& rules, std::int64_t now) {
    // By kid and alg together: a key is good for the algorithm that its set says, and no other.
    const verification_key* const key = keys.find(token.kid, token.algorithm);
    if (key == nullptr) return refuse("no key of the server has its kid and alg");
    if (!key->verify(token.signed_text, token.signature)) return refuse("its signature is wrong");
    return check_claims(token.claims, rules, now, claims_of::token);
}

}  // namespace common::auth
