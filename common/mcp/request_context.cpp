#include "common/mcp/request_context.hpp"

#include <utility>

namespace common::mcp {

void request_context::describe(request_origin& request, std::string_view id) const {
    request.who = &who;
    request.request_id = id;
    request.depth = depth;
    request.client = terms.client;
    request.trace_parent = terms.trace_parent;
}

std::string make_request_id(const engine_options& options) { return "req_" + options.random_token(16); }

boost::asio::awaitable<void> refuse(request_context& context, rejection refused, std::string_view allow) {
    net::http_response response;
    response.status = refused.status;
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "no-store");
    response.fields.add("X-Request-Id", context.request_id);
    if (!allow.empty()) response.fields.add("Allow", std::string(allow));
    response.body = error_text(refused);
    co_await context.exchange.respond(std::move(response));
}

boost::asio::awaitable<void> acknowledge(request_context& context, int status) {
    net::http_response response;
    response.status = status;
    response.fields.add("X-Request-Id", context.request_id);
    co_await context.exchange.respond(std::move(response));
}

}  // namespace common::mcp
