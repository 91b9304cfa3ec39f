#include "hub/front/front.hpp"

#include <utility>

#include "common/api/upload_request.hpp"
#include "common/auth/resource.hpp"
#include "common/mcp/cors.hpp"
#include "common/mcp/engine.hpp"
#include "hub/identity/verifier.hpp"

namespace hub::front {

using common::auth::problem;
using common::net::http_exchange;
using common::net::http_fields;
using common::net::http_request;

namespace {

// A dialect of its own, which this version does not have. Whoever may call is told so; whoever may not gets the challenge.
boost::asio::awaitable<void> not_served_yet(http_exchange& exchange, const proto::principal&) {
    co_await exchange.respond(
        problem(404, "not_found", "This hub does not serve that path. MCP clients connect to /mcp."));
}

// Pages of any origin may have it: it takes no cookie, and what it gives is public or named by the request itself.
bool is_open(const http_request& request) {
    return common::auth::resource_of_metadata_path(request.path) || oauth::is_open(oauth::endpoint_at(request.path));
}

common::auth::resource_server_options resource_options(front_options given) {
    if (given.issuer.empty()) given.issuer = given.public_url;
    return {std::move(given.public_url), std::move(given.allowed_origins), std::move(given.issuer)};
}

}  // namespace

front::front(front_options options, identity::verifier& verifier, common::mcp::engine& mcp, front_handlers handlers)
    : server_(
          resource_options(std::move(options)),
          [&verifier](std::string credential) { return verifier.verify(std::move(credential)); },
          handlers.wrong_credential),
      mcp_(mcp),
      handlers_(std::move(handlers)),
      call_mcp_(
          [this](http_exchange& exchange, const proto::principal& who) { return mcp_.handle(exchange, who, 0); }) {}

boost::asio::awaitable<void> front::handle(http_exchange& exchange) {
    const http_request& request = exchange.request();
    if (auto no = server_.refusal(request, is_open(request))) {
        co_await exchange.respond(std::move(*no));
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
    if (common::auth::mcp_path_of(path) == common::auth::mcp_paths.front() || path == common::auth::key_path) {
        co_await server_.authenticate(exchange, call_mcp_);
    } else if (common::auth::mcp_path_of(path)) {
        co_await server_.authenticate(exchange, not_served_yet);
    } else if (common::api::is_upload(request)) {
        co_await server_.authenticate(exchange, handlers_.upload);
    } else if (path == oauth::resource_servers_path) {
        co_await server_.authenticate(exchange, handlers_.resource_servers);
    } else if (common::auth::resource_of_metadata_path(path)) {
        co_await server_.serve_metadata(exchange);
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
    const bool open = is_open(request);
    return !open && handlers_.is_page(request.path) ? server_.answer_fields() : server_.answer_fields(request, open);
}

}  // namespace hub::front
