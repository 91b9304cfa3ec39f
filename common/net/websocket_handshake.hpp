// Both sides of the WebSocket handshake (RFC 6455 §4). On the executor of the connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/net/connection_registry.hpp"
#include "common/net/http.hpp"
#include "common/net/stream.hpp"
#include "common/net/websocket_channel.hpp"

namespace common::net {

// The answer to give if this request cannot become a WebSocket with that subprotocol (empty: none asked for).
std::optional<http_response> refuse_websocket(const http_request& request, std::string_view subprotocol);

struct websocket_accept_options {
    std::string subprotocol;
    std::size_t message_bytes_max = 0;
    std::chrono::milliseconds timeout{};
};

// For a request that refuse_websocket() let pass. Null: the peer has gone.
boost::asio::awaitable<std::unique_ptr<websocket_channel>> accept_websocket_channel(stream connection,
                                                                                    connection_registry::ticket ticket,
                                                                                    http_request request,
                                                                                    websocket_accept_options options);

struct websocket_request_options {
    std::string host;  // the Host field
    std::string target;
    std::string subprotocol;
    http_fields fields;
    std::size_t message_bytes_max = 0;
    std::chrono::milliseconds timeout{};
};

struct websocket_refusal {
    bool timed_out = false;
    int status = 0;      // of an HTTP answer that is no upgrade
    std::string reason;  // otherwise
};

boost::asio::awaitable<std::expected<std::unique_ptr<websocket_channel>, websocket_refusal>> request_websocket_channel(
    stream connection, websocket_request_options options);

}  // namespace common::net
