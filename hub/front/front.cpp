#include "hub/front/front.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/api/upload_request.hpp"
#include "common/mcp/cors.hpp"
#include "common/mcp/engine.hpp"
#include "hub/front/credential.hpp"
#include "hub/identity/verifier.hpp"

namespace hub::front {

using common::net::http_exchange;
using common::net::http_fields;
using common::net::http_request;
using common::net::http_response;

namespace {

constexpr std::string_view resource_metadata_path = "/.well-known/oauth-protected-resource";
// What a token needs to call anything on /mcp.
constexpr std::string_view base_scope = "mcp:tools";

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

bool is_mcp_path(std::string_view path) { return path == "/mcp" || path == "/mcp/"; }
bool is_metadata_path(std::string_view path) {
    return path == resource_metadata_path || path == std::string(resource_metadata_path) + "/mcp";
}

}  // namespace

front::front(front_options options, identity::verifier& verifier, common::mcp::engine& mcp, http_handler link,
             http_handler enroll, api_handler upload)
    : options_(std::move(options)),
      origins_(options_.public_url, options_.allowed_origins),
      verifier_(verifier),
      mcp_(mcp),
      link_(std::move(link)),
      enroll_(std::move(enroll)),
      upload_(std::move(upload)),
      call_mcp_([this](http_exchange& exchange, const proto::principal& who) { return mcp_.handle(exchange, who, 0); }) {}

boost::asio::awaitable<void> front::handle(http_exchange& exchange) {
    const http_request& request = exchange.request();
    if (!origins_.accepts_host(request)) {
        // RFC 9110 §15.5.20: this server does not answer for that authority.
        co_await exchange.respond(
            problem(421, "misdirected_request", "This hub does not answer for that Host. Use its public URL."));
        co_return;
    }
    if (!origins_.accepts_origin(request)) {
        co_await exchange.respond(problem(403, "forbidden_origin", "Pages of this Origin may not call the hub."));
        co_return;
    }

    const std::string_view path = request.path;
    if (common::mcp::is_preflight(request)) {
        co_await exchange.respond(common::mcp::preflight_answer(request));
    } else if (is_mcp_path(path)) {
        co_await authenticate(exchange, call_mcp_);
    } else if (common::api::is_upload(request)) {
        co_await authenticate(exchange, upload_);
    } else if (is_metadata_path(path)) {
        co_await resource_metadata(exchange);
    } else if (path == "/agent/v1/link") {
        co_await link_(exchange);
    } else if (path == "/agent/v1/enroll") {
        co_await enroll_(exchange);
    } else {
        co_await exchange.respond(
            problem(404, "not_found", "There is nothing at this path. MCP clients connect to /mcp."));
    }
}

http_fields front::answer_fields(const http_request& request) const {
    if (!origins_.accepts_host(request) || !origins_.accepts_origin(request)) return {};
    // The metadata is the same for everyone, and a cache may keep it.
    if (is_metadata_path(request.path) && !common::mcp::is_preflight(request))
        return {{"Access-Control-Allow-Origin", "*"}};
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
    if (!who) {
        // RFC 6750 §3.1: no error code when no credential was sent.
        const bool sent = who.error().code == identity::verify_errc::invalid;
        std::string challenge = fmt::format("Bearer resource_metadata=\"{}{}/mcp\", scope=\"{}\"", options_.public_url,
                                            resource_metadata_path, base_scope);
        if (sent) challenge += ", error=\"invalid_token\"";
        http_fields fields{{"WWW-Authenticate", std::move(challenge)}};
        co_await exchange.respond(
            problem(401, sent ? "invalid_token" : "unauthorized", who.error().message, std::move(fields)));
        co_return;
    }
    co_await next(exchange, *who);
}

boost::asio::awaitable<void> front::resource_metadata(http_exchange& exchange) {
    const auto& method = exchange.request().method;
    if (method != "GET" && method != "HEAD") {
        co_await exchange.respond(problem(405, "method_not_allowed", "Use GET.", {{"Allow", "GET, HEAD"}}));
        co_return;
    }
    nlohmann::json body;
    body["resource"] = options_.public_url + "/mcp";
    body["resource_name"] = "CodeZ";
    body["scopes_supported"] = nlohmann::json::array({base_scope});
    body["bearer_methods_supported"] = nlohmann::json::array({"header"});
    http_response response{200, {}, body.dump()};
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "public, max-age=3600");
    co_await exchange.respond(std::move(response));
}

}  // namespace hub::front
