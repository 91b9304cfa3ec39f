#include "common/auth/resource_server.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "common/auth/challenge.hpp"
#include "common/auth/credential.hpp"
#include "common/auth/resource.hpp"
#include "common/mcp/cors.hpp"

namespace common::auth {

using net::http_exchange;
using net::http_fields;
using net::http_request;
using net::http_response;

http_response problem(int status, std::string_view code, std::string_view message, http_fields more) {
    const nlohmann::json body{{"error", code}, {"message", message}};
    http_response response{status, std::move(more),
                           body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "no-store");
    return response;
}

resource_server::resource_server(resource_server_options options, verify_function verify, wrong_function wrong)
    : options_(std::move(options)),
      origins_(options_.public_url, options_.allowed_origins),
      verify_(std::move(verify)),
      wrong_(std::move(wrong)) {}

std::optional<http_response> resource_server::refusal(const http_request& request, bool open) const {
    // RFC 9110 §15.5.20: this server does not answer for that authority.
    if (!origins_.accepts_host(request))
        return problem(421, "misdirected_request", "This server does not answer for that Host. Use its public URL.");
    if (!open && !origins_.accepts_origin(request))
        return problem(403, "forbidden_origin", "Pages of this Origin may not call this server.");
    return std::nullopt;
}

http_fields resource_server::answer_fields(const http_request& request, bool open) const {
    auto fields = answer_fields();
    if (!origins_.accepts_host(request)) return fields;
    // The same for everyone, so that a cache may keep it; credentials of the browser play no part.
    if (open)
        fields.add_all(
            {{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After"}});
    else if (origins_.accepts_origin(request))
        fields.add_all(mcp::cors_fields(request));
    return fields;
}

http_fields resource_server::answer_fields() const {
    // RFC 6797: a browser that came by https once never asks by http again, whoever is on the way.
    if (!options_.public_url.starts_with("https://")) return {};
    return {{"Strict-Transport-Security", "max-age=31536000"}};
}

boost::asio::awaitable<void> resource_server::authenticate(http_exchange& exchange, const api_handler& next) const {
    const auto credential = find_credential(exchange.request());
    if (!credential) {
        co_await exchange.respond(problem(400, "invalid_request", credential.error()));
        co_return;
    }
    const auto who = co_await verify_(*credential);
    if (who) {
        co_await next(exchange, *who);
    } else {
        co_await exchange.respond(answer_to(exchange.request(), who.error()));
    }
}

http_response resource_server::answer_to(const http_request& request, const verify_error& error) const {
    switch (error.code) {
        case verify_errc::unavailable:
            return problem(503, "unavailable", error.message, {{"Retry-After", "1"}});
        case verify_errc::nobody:
            return problem(403, "access_denied", error.message);
        case verify_errc::absent:
            return problem(401, "unauthorized", error.message, challenge(request, false));
        case verify_errc::invalid:
            break;
    }
    if (const auto wait = wrong_(request)) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
        return problem(429, "too_many_requests", "Too many wrong credentials came from this address.",
                       {{"Retry-After", std::to_string(seconds)}});
    }
    return problem(401, "invalid_token", error.message, challenge(request, true));
}

http_fields resource_server::challenge(const http_request& request, bool sent) const {
    // Claude Code would rather begin with OAuth than say that the key it was given is wrong.
    if (options_.issuer.empty() || request.path == key_path || request.fields.find("X-Codez-Api-Key"))
        return {
            {"WWW-Authenticate", sent ? "ApiKey realm=\"codez\", error=\"invalid_token\"" : "ApiKey realm=\"codez\""}};
    return {{"WWW-Authenticate", token_challenge(options_.public_url, request.path, sent)}};
}

bool resource_server::has_metadata(std::string_view path) const {
    return !options_.issuer.empty() && resource_of_metadata_path(path);
}

boost::asio::awaitable<void> resource_server::serve_metadata(http_exchange& exchange) const {
    const auto& request = exchange.request();
    if (request.method != "GET" && request.method != "HEAD") {
        co_await exchange.respond(problem(405, "method_not_allowed", "Use GET.", {{"Allow", "GET, HEAD"}}));
        co_return;
    }
    const auto resource = *resource_of_metadata_path(request.path);
    http_response response{200, {}, resource_metadata(options_.public_url, resource, options_.issuer).dump()};
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "public, max-age=300");
    co_await exchange.respond(std::move(response));
}

}  // namespace common::auth
