// Dials a WebSocket: DNS, proxy, TLS and the upgrade under one deadline. Runs on the executor of the coroutine that
// awaits it, and the channel lives there.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/net/connect_error.hpp"
#include "common/net/http.hpp"
#include "common/net/proxy.hpp"
#include "common/net/websocket_channel.hpp"

namespace common::net {

struct websocket_client_options {
    std::string url{};          // ws:// or wss://
    std::string subprotocol{};  // the peer must select it
    std::string ca_file{};      // PEM, trusted besides the system's authorities; empty for none
    std::chrono::milliseconds timeout{20000};
    std::size_t message_bytes_max = std::size_t{1} << 20;
    std::optional<proxy_address> http_proxy{};  // as proxy_for() says
    http_fields fields{};                       // added to the upgrade request
};

boost::asio::awaitable<std::expected<std::unique_ptr<websocket_channel>, connect_error>> connect_websocket(
    websocket_client_options options);

}  // namespace common::net
