#include "common/net/websocket_client.hpp"

#include <fmt/format.h>

#include "common/net/connector.hpp"
#include "common/net/websocket_handshake.hpp"

namespace common::net {
namespace asio = boost::asio;
namespace {

// Names the host only: a path or query may hold a secret.
connect_error explain(const websocket_refusal& refusal, const std::string& host) {
    if (refusal.timed_out) {
        return {connect_failure::timeout, fmt::format("{} did not answer the WebSocket request in time.", host), 0};
    }
    if (refusal.status != 0) {
        return {connect_failure::http_status,
                fmt::format("{} answered HTTP {} instead of opening a WebSocket.", host, refusal.status),
                refusal.status};
    }
    return {connect_failure::protocol, fmt::format("{} did not open a WebSocket: {}.", host, refusal.reason), 0};
}

}  // namespace

asio::awaitable<std::expected<std::unique_ptr<websocket_channel>, connect_error>> connect_websocket(
    websocket_client_options options) {
    auto target = parse_target(options.url, "ws");
    if (!target) co_return std::unexpected(std::move(target.error()));
    const auto deadline = std::chrono::steady_clock::now() + options.timeout;
    connect_options how{.ca_file = options.ca_file, .proxy = options.http_proxy, .deadline = deadline};
    auto connection = co_await open_connection(*target, std::move(how));
    if (!connection) co_return std::unexpected(std::move(connection.error()));

    websocket_request_options request{.host = target->host_field,
                                      .target = target->path_query,
                                      .subprotocol = options.subprotocol,
                                      .fields = options.fields,
                                      .message_bytes_max = options.message_bytes_max,
                                      .timeout = time_left(deadline)};
    auto channel = co_await request_websocket_channel(std::move(*connection), std::move(request));
    if (!channel) co_return std::unexpected(explain(channel.error(), target->host_field));
    co_return std::move(*channel);
}

}  // namespace common::net
