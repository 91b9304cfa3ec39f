#include "common/mcp/engine.hpp"

#include <expected>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/this_coro.hpp>

#include "common/mcp/calls_in_flight.hpp"
#include "common/mcp/envelope.hpp"
#include "common/mcp/era.hpp"
#include "common/mcp/legacy_dispatcher.hpp"
#include "common/mcp/media_types.hpp"
#include "common/mcp/request_context.hpp"

namespace common::mcp {
namespace {

// GET waits for the streams that the server itself begins, which there are none of yet.
constexpr std::string_view allowed_methods = "POST, DELETE";
constexpr std::string_view version_field = "MCP-Protocol-Version";

rejection refusal(int status, int code, std::string message) {
    rejection refused;
    refused.status = status;
    refused.code = code;
    refused.message = std::move(message);
    return refused;
}

// What can be refused without reading the body. The statuses are those of basic/transports, in its order.
std::optional<rejection> check_request(const net::http_request& request, accepted_types accepted,
                                       std::size_t body_bytes_max) {
    if (!accepted.json && !accepted.events) {
        return refusal(406, rpc_code::invalid_request,
                       "Not acceptable: Accept must allow application/json, text/event-stream or both.");
    }
    if (!has_json_content(request.fields)) {
        return refusal(
            415, rpc_code::invalid_request,
            "Unsupported media type: send the field Content-Type: application/json and no Content-Encoding.");
    }
    if (request.body.size() > body_bytes_max) {
        return refusal(413, rpc_code::invalid_request,
                       fmt::format("The request body is larger than {} bytes.", body_bytes_max));
    }
    if (request.fields.count(version_field) > 1) {
        return refusal(400, rpc_code::invalid_request, "The field MCP-Protocol-Version may occur once only.");
    }
    return std::nullopt;
}

}  // namespace

class engine::state {
public:
    state(backend& tools, engine_options options)
        : tools_(tools),
          options_(std::move(options)),
          calls_(options_.calls_in_flight_max),
          legacy_(options_.ended_sessions_max) {}

    boost::asio::awaitable<void> handle(net::http_exchange& exchange, const proto::principal& who, int depth) {
        const auto executor = co_await boost::asio::this_coro::executor;
        request_context context{options_, tools_, calls_, exchange, who, depth, executor, make_request_id(options_)};
        const std::string& method = exchange.request().method;
        if (method == "POST") {
            co_await post(context);
        } else if (method == "DELETE") {
            co_await legacy_.end_session(context);
        } else {
            rejection refused = refusal(405, rpc_code::invalid_request, "Method not allowed: use POST.");
            co_await refuse(context, std::move(refused), allowed_methods);
        }
    }

private:
    boost::asio::awaitable<void> post(request_context& context) {
        const net::http_request& request = context.exchange.request();
        const accepted_types accepted = read_accept(request.fields);
        std::optional<rejection> refused = check_request(request, accepted, options_.body_bytes_max);
        if (refused) {
            co_await refuse(context, *std::move(refused));
            co_return;
        }
        std::expected<posted_body, rejection> body = parse_body(request.body, options_.batch_messages_max);
        if (!body) {
            co_await refuse(context, std::move(body.error()));
            co_return;
        }
        const std::optional<std::string_view> version = request.fields.find(version_field);
        std::expected<era, rejection> found = classify(*body, version);
        if (!found) {
            co_await refuse(context, std::move(found.error()));
            co_return;
        }
        switch (*found) {
            case era::legacy:
                co_await legacy_.post(context, *body, accepted, version);
                break;
            case era::modern: {
                // classify() knows no modern version yet, so this is a bug in it, and must not hang the client.
                rejection unserved =
                    refusal(400, rpc_code::invalid_request, "This protocol version is not served here.");
                co_await refuse(context, std::move(unserved));
                break;
            }
        }
    }

    backend& tools_;
    const engine_options options_;
    calls_in_flight calls_;
    legacy_dispatcher legacy_;
};

engine::engine(backend& tools, engine_options options) : state_(std::make_unique<state>(tools, std::move(options))) {}

engine::~engine() = default;

boost::asio::awaitable<void> engine::handle(net::http_exchange& exchange, const proto::principal& who, int depth) {
    return state_->handle(exchange, who, depth);
}

}  // namespace common::mcp
