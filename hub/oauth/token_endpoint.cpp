#include "hub/oauth/token_endpoint.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/auth/resource.hpp"
#include "common/crypto/digest.hpp"
#include "hub/identity/scopes.hpp"
#include "hub/oauth/answers.hpp"
#include "hub/oauth/client_authentication.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/oauth/scopes.hpp"
#include "hub/oauth/secrets.hpp"
#include "hub/pages/form.hpp"

namespace hub::oauth {

using common::net::http_request;
using common::net::http_response;

struct token_endpoint::authenticated {
    client from;
    pages::form form;
};

namespace {

constexpr std::string_view device_grant = "urn:ietf:params:oauth:grant-type:device_code";

http_response invalid_request(std::string_view why) { return error_answer(400, "invalid_request", why); }

http_response refusal_answer(token_refusal why) {
    switch (why) {
        case token_refusal::invalid_scope:
            return error_answer(400, "invalid_scope",
                                "The scope goes beyond what was granted. Start a new authorization.");
        case token_refusal::invalid_target:
            return error_answer(400, "invalid_target", "The token was granted for another resource.");
        case token_refusal::invalid_grant:
            break;
    }
    return error_answer(400, "invalid_grant",
                        "This code or token is not valid, or not any more. Start a new authorization.");
}

http_response method_not_allowed() { return wrong_method_answer("POST"); }

std::string bearer_of(const http_request& request) {
    const auto value = request.fields.find("Authorization");
    constexpr std::string_view scheme = "Bearer ";
    return value && value->starts_with(scheme) ? std::string(value->substr(scheme.size())) : std::string();
}

// Somebody tries codes, tokens or secrets.
bool tells_of_wrong_secret(const http_response& answer) {
    if (answer.status != 400 && answer.status != 401) return false;
    const auto error = nlohmann::json::parse(answer.body)["error"];
    return error == "invalid_grant" || error == "invalid_client" || error == "expired_token";
}

bool counts(const token_grant& token, std::int64_t now) { return !token.revoked && token.expires_at > now; }

}  // namespace

token_endpoint::token_endpoint(std::string origin, store& rows, common::async::blocking_pool& pool,
                               client_finder& clients, device_endpoint& devices, const id_token_issuer& id_tokens,
                               request_limits& limits)
    : origin_(std::move(origin)),
      rows_(rows),
      pool_(pool),
      clients_(clients),
      devices_(devices),
      id_tokens_(id_tokens),
      limits_(limits) {}

boost::asio::awaitable<std::expected<token_endpoint::authenticated, http_response>> token_endpoint::authenticate(
    const http_request& request) {
    if (request.method != "POST") co_return std::unexpected(method_not_allowed());
    if (!pages::is_form(request))
        co_return std::unexpected(invalid_request("Send the parameters as application/x-www-form-urlencoded."));
    if (request.body.size() > limits::form_bytes_max)
        co_return std::unexpected(invalid_request("The form is too long."));
    auto form = pages::parse_form(request.body);
    if (!form) co_return std::unexpected(invalid_request(form.error()));
    auto presented = find_presented_client(request, *form);
    if (!presented) co_return std::unexpected(std::move(presented.error()));
    if (presented->id == setup_client_id) co_return authenticated{{}, std::move(*form)};
    auto known = co_await clients_.find(presented->id);
    if (!known && known.error().code != tenancy::errc::not_found)
        co_return std::unexpected(database_answer(known.error()));
    if (!known || !proves(*known, *presented)) co_return std::unexpected(unknown_client_answer());
    co_return authenticated{std::move(*known), std::move(*form)};
}

token_endpoint::answer token_endpoint::token(const http_request& request) {
    auto answer = co_await answer_grant(request);
    if (!tells_of_wrong_secret(answer)) co_return answer;
    if (const auto wait = limits_.wrong_secret(request)) co_return too_many_answer(*wait);
    co_return answer;
}

token_endpoint::answer token_endpoint::answer_grant(const http_request& request) {
    auto from = co_await authenticate(request);
    if (!from) co_return std::move(from.error());
    const std::string grant_type(from->form.get("grant_type"));
    if (grant_type == device_grant) co_return co_await devices_.token(from->form);
    if (grant_type == "authorization_code") co_return co_await redeem(std::move(*from));
    if (grant_type == "refresh_token") co_return co_await refresh(std::move(*from));
    if (grant_type.empty()) co_return invalid_request("grant_type is missing.");
    co_return error_answer(400, "unsupported_grant_type", "Use authorization_code or refresh_token.");
}

token_endpoint::answer token_endpoint::issued(token_result outcome) {
    if (!outcome) co_return database_answer(outcome.error());
    if (!*outcome) co_return refusal_answer(outcome->error());
    const auto& pair = **outcome;
    nlohmann::json body{{"access_token", pair.access_token},
                        {"token_type", "Bearer"},
                        {"expires_in", limits::access_token_ms / 1000},
                        {"refresh_token", pair.refresh_token},
                        {"scope", join_scopes(pair.scopes)}};
    if (std::ranges::find(pair.scopes, "openid") != pair.scopes.end()) {
        const auto of = co_await find_token(pair.access_token);
        if (!of) co_return database_answer(of.error());
        body["id_token"] = id_tokens_.issue(*of, pair.nonce, tenancy::system_time_ms());
    }
    co_return json_answer(200, body);
}

token_endpoint::answer token_endpoint::redeem(authenticated from) {
    code_exchange what;
    what.client_id = from.from.id;
    what.code = from.form.get("code");
    what.redirect_uri = from.form.get("redirect_uri");
    what.code_verifier = from.form.get("code_verifier");
    if (what.code.empty() || what.redirect_uri.empty() || what.code_verifier.empty())
        co_return invalid_request("code, redirect_uri and code_verifier are needed.");
    if (from.form.find("resource")) what.audience = common::auth::audience_of(origin_, from.form.get("resource"));
    if (!looks_like(code_prefix, what.code)) co_return refusal_answer(token_refusal::invalid_grant);
    auto outcome = co_await pool_.run([this, &what] { return rows_.redeem(what); });
    co_return outcome ? co_await issued(std::move(*outcome)) : unavailable_answer();
}

token_endpoint::answer token_endpoint::refresh(authenticated from) {
    refresh_exchange what;
    what.client_id = from.from.id;
    what.refresh_token = from.form.get("refresh_token");
    if (what.refresh_token.empty()) co_return invalid_request("refresh_token is missing.");
    auto scopes = parse_scopes(from.form.get("scope"));
    if (!scopes) co_return refusal_answer(token_refusal::invalid_scope);
    what.scopes = std::move(*scopes);
    if (from.form.find("resource")) what.audience = common::auth::audience_of(origin_, from.form.get("resource"));
    if (!looks_like(refresh_token_prefix, what.refresh_token)) co_return refusal_answer(token_refusal::invalid_grant);
    auto outcome = co_await pool_.run([this, &what] { return rows_.refresh(what); });
    co_return outcome ? co_await issued(std::move(*outcome)) : unavailable_answer();
}

token_endpoint::answer token_endpoint::revoke(const http_request& request) {
    auto from = co_await authenticate(request);
    if (!from) co_return std::move(from.error());
    const std::string token(from->form.get("token"));
    if (token.empty()) co_return invalid_request("token is missing.");
    if (looks_like(access_token_prefix, token) || looks_like(refresh_token_prefix, token)) {
        const auto done = co_await pool_.run([&] { return rows_.revoke_token(from->from.id, token); });
        if (!done) co_return unavailable_answer();
        if (!*done) co_return database_answer(done->error());
    }
    co_return json_answer(200, nlohmann::json::object());
}

boost::asio::awaitable<result<token_grant>> token_endpoint::find_token(std::string token) {
    if (!looks_like(access_token_prefix, token))
        co_return std::unexpected(tenancy::error{tenancy::errc::not_found, "There is no such token.", {}});
    auto found =
        co_await pool_.run([this, hash = common::crypto::sha256(token)] { return rows_.find_access_token(hash); });
    if (!found) co_return std::unexpected(busy());
    co_return std::move(*found);
}

token_endpoint::answer token_endpoint::introspect(const http_request& request) {
    auto from = co_await authenticate(request);
    if (!from) co_return std::move(from.error());
    const nlohmann::json inactive{{"active", false}};
    // RFC 7662 §2.1, §4: only for those who can prove who they are, and only of tokens that are theirs.
    if (from->from.secret_hash.empty()) co_return json_answer(200, inactive);
    std::string audience;
    if (from->from.kind == client_kind::resource) {
        const auto server = co_await pool_.run([&] { return rows_.find_resource(from->from.id); });
        if (!server) co_return unavailable_answer();
        if (!*server) co_return database_answer(server->error());
        audience = (*server)->url;
    }
    const auto found = co_await find_token(std::string(from->form.get("token")));
    if (!found && found.error().code != tenancy::errc::not_found) co_return database_answer(found.error());
    if (!found || !counts(*found, tenancy::system_time_ms()) ||
        (found->client_id != from->from.id && found->audience != audience))
        co_return json_answer(200, inactive);
    nlohmann::json body{{"active", true},
                        {"scope", join_scopes(identity::effective_scopes(found->scopes, found->role))},
                        {"client_id", found->client_id},
                        {"sub", found->user_id},
                        {"aud", found->audience},
                        {"iss", origin_},
                        {"iat", found->issued_at / 1000},
                        {"exp", found->expires_at / 1000},
                        {"token_type", "Bearer"}};
    if (found->workspaces.empty()) body["workspace"] = found->workspace_id;
    co_return json_answer(200, body);
}

token_endpoint::answer token_endpoint::userinfo(const http_request& request) {
    if (request.method != "GET" && request.method != "POST") co_return wrong_method_answer("GET, POST");
    const auto found = co_await find_token(bearer_of(request));
    if (!found && found.error().code != tenancy::errc::not_found) co_return database_answer(found.error());
    if (!found || !counts(*found, tenancy::system_time_ms())) {
        auto answer = error_answer(401, "invalid_token", "This token is not valid, or not any more.");
        answer.fields.add("WWW-Authenticate", "Bearer error=\"invalid_token\"");
        co_return answer;
    }
    // Whose token it is is not enough for a resource server: it must see that the token is for itself.
    nlohmann::json body{{"sub", found->user_id},
                        {"name", found->user_name},
                        {"aud", found->audience},
                        {"scope", join_scopes(found->scopes)},
                        {"exp", found->expires_at / 1000}};
    if (!found->user_email.empty()) body["email"] = found->user_email;
    co_return json_answer(200, body);
}

}  // namespace hub::oauth
