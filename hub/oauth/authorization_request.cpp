#include "hub/oauth/authorization_request.hpp"

#include <algorithm>

#include "common/auth/resource.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/oauth/scopes.hpp"

namespace hub::oauth {

namespace {

std::unexpected<authorization_refusal> refused(std::string_view error, std::string_view description) {
    return std::unexpected(authorization_refusal{error, description});
}

constexpr std::size_t s256_bytes = 32;

bool is_s256(std::string_view challenge) {
    const auto decoded = common::crypto::base64url_decode(challenge);
    return decoded && decoded->size() == s256_bytes;
}

// OpenID Connect Core §3.1.2.1. An unknown value is left alone.
bool read_prompt(std::string_view prompt, judged_request& judged) {
    bool none = false;
    bool other = false;
    while (!prompt.empty()) {
        const auto end = std::min(prompt.find(' '), prompt.size());
        const auto word = prompt.substr(0, end);
        prompt.remove_prefix(std::min(end + 1, prompt.size()));
        none = none || word == "none";
        other = other || word != "none";
        judged.request.login_again = judged.request.login_again || word == "login" || word == "select_account";
        judged.ask_always = judged.ask_always || word == "consent" || word == "login" || word == "select_account";
    }
    judged.may_ask = !none;
    return !(none && other);
}

}  // namespace

std::expected<judged_request, authorization_refusal> judge_request(const pages::form& query, std::string_view origin) {
    if (query.count("resource") > 1) return refused("invalid_target", "Ask for one resource at a time.");
    if (query.doubled()) return refused("invalid_request", "A parameter is there twice.");
    if (query.find("request")) return refused("request_not_supported", "Send the parameters themselves.");
    if (query.find("request_uri")) return refused("request_uri_not_supported", "Send the parameters themselves.");
    if (query.get("response_type").empty()) return refused("invalid_request", "response_type is missing.");
    if (query.get("response_type") != "code") return refused("unsupported_response_type", "Use response_type=code.");
    if (const auto mode = query.find("response_mode"); mode && *mode != "query")
        return refused("invalid_request", "Use response_mode=query, or none.");
    if (query.get("code_challenge_method") != "S256" || !is_s256(query.get("code_challenge")))
        return refused("invalid_request", "PKCE is needed: code_challenge with code_challenge_method=S256 (RFC 7636).");
    if (query.get("state").size() > limits::state_bytes_max) return refused("invalid_request", "state is too long.");
    if (query.get("nonce").size() > limits::nonce_bytes_max) return refused("invalid_request", "nonce is too long.");

    judged_request judged;
    auto& request = judged.request;
    request.client_id = query.get("client_id");
    request.redirect_uri = query.get("redirect_uri");
    request.state = query.get("state");
    request.nonce = query.get("nonce");
    request.code_challenge = query.get("code_challenge");
    request.audience = common::auth::audience_of(origin, query.get("resource"));
    auto scopes = parse_scopes(query.get("scope"));
    if (!scopes) return refused("invalid_scope", "scope must be names with single spaces between them.");
    request.scopes = std::move(*scopes);
    if (query.get("scope").empty()) request.scopes.emplace_back(umbrella_scope);
    if (std::ranges::all_of(request.scopes, is_about_tokens))
        return refused("invalid_scope", "None of these scopes is known here; use mcp:tools.");
    if (!read_prompt(query.get("prompt"), judged)) return refused("invalid_request", "prompt=none goes with no other.");
    return judged;
}

}  // namespace hub::oauth
