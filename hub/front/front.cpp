#include "hub/front/front.hpp"

#include <utility>

#include "common/api/upload_request.hpp"
#include "common/mcp/cors.hpp"
#include "common/mcp/engine.hpp"
#include "hub/front/credential.hpp"
#include "hub/identity/verifier.hpp"
#include "hub/oauth/challenge.hpp"
#include "hub/oauth/metadata.hpp"
#include "hub/oauth/resources.hpp"

namespace hub::front {

using common::net::http_exchange;
using common::net::http_fields;
using common::net::http_request;
using common::net::http_response;

namespace {

// For clients that send a key as a header and must not be led into OAuth: keys only, and no metadata.
constexpr std::string_view key_path = "/key/mcp";

http_response json_answer(int status, std::string body, http_fields more = {}) {
    http_response response{status, std::move(more), std::move(body)};
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "no-store");
    return response;
}

http_response problem(int status, std::string_view code, std::string_view message, http_fields more = {}) {
    const nlohmann::json body{{"error", code}, {"message", message}};
    return json_answer(status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), std::move(more));
}

// A dialect of its own, which this version does not have. Whoever may call is told so; whoever may not gets the challenge.
boost::asio::awaitable<void> not_served_yet(http_exchange& exchange, const proto::principal&) {
    co_await exchange.respond(problem(404, "not_found", "This hub does not serve that path. MCP clients connect to /mcp."));
}

// Pages of any origin may have it: it takes no cookie, and what it gives is public or named by the request itself.
bool is_open(const http_request& request) {
    return oauth::resource_of_metadata_path(request.path) || oauth::is_open(oauth::endpoint_at(request.path));
}

}  // namespace

front::front(front_options options, identity::verifier& verifier, common::mcp::engine& mcp, front_handlers handlers)
    : options_(std::move(options)),
      origins_(options_.public_url, options_.allowed_origins),
      verifier_(verifier),
      mcp_(mcp),
      handlers_(std::move(handlers)),
      call_mcp_([this](http_exchange& exchange, const proto::principal& who) { return mcp_.handle(exchange, who, 0); }) {
    if (options_.issuer.empty()) options_.issuer = options_.public_url;
}

boost::asio::awaitable<void> front::handle(http_exchange& exchange) {
    const http_request& request = exchange.request();
    if (!origins_.accepts_host(request)) {
        // RFC 9110 §15.5.20: this server does not answer for that authority.
        co_await exchange.respond(
            problem(421, "misdirected_request", "This hub does not answer for that Host. Use its public URL."));
    } else if (!is_open(request) && !origins_.accepts_origin(request)) {
        co_await exchange.respond(problem(403, "forbidden_origin", "Pages of this Origin may not call the hub."));
    } else if (common::mcp::is_preflight(request)) {
        co_await exchange.respond(common::mcp::preflight_answer(request));
    } else {
        co_await route(exchange);
    }
}

boost::asio::awaitable<void> front::route(http_exchange& exchange) {
    const http_request& request = exchange.request();
    const std::string_view path = request.path;
    const auto endpoint = oauth::endpoint_at(path);
    if (oauth::mcp_path_of(path) == oauth::mcp_paths.front() || path == key_path) {
        co_await authenticate(exchange, call_mcp_);
    } else if (oauth::mcp_path_of(path)) {
        co_await authenticate(exchange, not_served_yet);
    } else if (common::api::is_upload(request)) {
        co_await authenticate(exchange, handlers_.upload);
    } else if (path == oauth::resource_servers_path) {
        co_await authenticate(exchange, handlers_.resource_servers);
    } else if (oauth::resource_of_metadata_path(path)) {
        co_await resource_metadata(exchange);
    } else if (endpoint != oauth::endpoint::none) {
        co_await handlers_.authorization_server(exchange, endpoint);
    } else if (path == "/agent/v1/link") {
        co_await handlers_.link(exchange);
    } else if (path == "/agent/v1/enroll") {
        co_await handlers_.enroll(exchange);
    } else if (handlers_.is_page(path)) {
        co_await handlers_.pages(exchange);
    } else {
        co_await exchange.respond(
            problem(404, "not_found", "There is nothing at this path. MCP clients connect to /mcp."));
    }
}

http_fields front::answer_fields(const http_request& request) const {
    if (!origins_.accepts_host(request)) return {};
    // The same for everyone, so that a cache may keep it; credentials of the browser play no part.
    if (is_open(request)) return {{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After"}};
    if (!origins_.accepts_origin(request) || handlers_.is_page(request.path)) return {};
    return common::mcp::cors_fields(request);
}

boost::asio::awaitable<void> front::authenticate(http_exchange& exchange, const api_handler& next) {
    const auto credential = find_credential(exchange.request());
    if (!credential) {
        co_await exchange.respond(problem(400, "invalid_request", credential.error()));
        co_return;
    }
    const auto who = co_await verifier_.verify(*credential);
    if (!who && who.error().code == identity::verify_errc::unavailable) {
        co_await exchange.respond(problem(503, "unavailable", who.error().message, {{"Retry-After", "1"}}));
        co_return;
    }
    if (!who && who.error().code == identity::verify_errc::nobody) {
        co_await exchange.respond(problem(403, "access_denied", who.error().message));
        co_return;
    }
    if (!who) {
        const bool sent = who.error().code == identity::verify_errc::invalid;
        if (const auto wait = sent ? handlers_.wrong_credential(exchange.request()) : std::nullopt) {
            const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
            co_await exchange.respond(problem(429, "too_many_requests", "Too many wrong credentials came from this address.",
                                              {{"Retry-After", std::to_string(seconds)}}));
            co_return;
        }
        co_await exchange.respond(problem(401, sent ? "invalid_token" : "unauthorized", who.error().message,
                                          challenge(exchange.request(), sent)));
        co_return;
    }
    co_await next(exchange, *who);
}

http_fields front::challenge(const http_request& request, bool sent) const {
    // Claude Code would rather begin with OAuth than say that the key it was given is wrong.
    if (request.path == key_path || request.fields.find("X-Codez-Api-Key"))
        return {{"WWW-Authenticate", sent ? "ApiKey realm=\"codez\", error=\"invalid_token\"" : "ApiKey realm=\"codez\""}};
    return {{"WWW-Authenticate", oauth::token_challenge(options_.public_url, request.path, sent)}};
}

boost::asio::awaitable<void> front::resource_metadata(http_exchange& exchange) {
    const auto& request = exchange.request();
    if (request.method != "GET" && request.method != "HEAD") {
        co_await exchange.respond(problem(405, "method_not_allowed", "Use GET.", {{"Allow", "GET, HEAD"}}));
        co_return;
    }
    const auto resource = *oauth::resource_of_metadata_path(request.path);
    http_response response{200, {}, oauth::resource_metadata(options_.public_url, resource, options_.issuer).dump()};
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "public, max-age=300");
    co_await exchange.respond(std::move(response));
}

}  // namespace hub::front
