// Tokens and keys of another authorization server. No token is good by a key that did not sign it, whatever it says.
#include "common/auth/access_token.hpp"

#include "common/auth/server_metadata.hpp"
#include "common/crypto/encoding.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

namespace {

using namespace common::auth;

// The example keys of RFC 7517 (A.1) and RFC 8037 (A.2), for each kind of signature.
constexpr std::string_view keys = R"({"keys":[
{"kty":"EC","crv":"P-256","kid":"ec","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"},
{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

const key_set& known_keys() {
    static const auto set = key_set::parse(keys);
    return *set;
}

void check(std::string_view token) {
    for (const bool any_type : {false, true}) {
        const token_rules rules{.issuer = "https://as.example",
                                .audiences = {"https://hub.example/mcp"},
                                .any_type = any_type,
                                .workspace_claim = "workspace"};
        const auto read = read_token(token, rules);
        if (!read) continue;
        require(read->claims.is_object() && read->signed_text.size() < token.size());
        require(!check_token(*read, known_keys(), rules, 1'800'000'000));
        const auto claims = check_claims(read->claims, rules, 1'800'000'000, claims_of::token);
        if (!claims) continue;
        require(claims->issuer == rules.issuer && !claims->subject.empty() && claims->subject.size() <= 255);
        require(claims->scopes.size() <= 100 && claims->expires_at > 0);
    }
}

}  // namespace

void run(std::string_view input) {
    require(known_keys().size() == 2);
    check(input);
    // As if somebody had written the inside: header, claims and signature in lines of their own.
    const auto first = input.find('\n');
    const auto second = first == std::string_view::npos ? first : input.find('\n', first + 1);
    if (second != std::string_view::npos) {
        using common::crypto::base64url_encode;
        check(base64url_encode(input.substr(0, first)) + "." +
              base64url_encode(input.substr(first + 1, second - first - 1)) + "." +
              base64url_encode(input.substr(second + 1)));
    }
    const auto set = key_set::parse(input);
    require(!set || (set->size() > 0 && set->size() <= key_set::keys_max));
    const auto metadata = parse_server_metadata(input, "https://as.example");
    require(!metadata || metadata->jwks_uri.empty() || metadata->jwks_uri.starts_with("https://"));
}

}  // namespace fuzz
