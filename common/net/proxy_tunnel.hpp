// The CONNECT method of an HTTP proxy (RFC 9110 §9.3.6), spoken on a connection to the proxy.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/net/connect_error.hpp"
#include "common/net/proxy.hpp"
#include "common/net/stream.hpp"

namespace common::net {

// The same connection, which then reaches host:port.
boost::asio::awaitable<std::expected<stream, connect_error>> open_tunnel(
    stream to_proxy, proxy_address proxy, std::string host, std::uint16_t port,
    std::chrono::steady_clock::time_point deadline);

}  // namespace common::net
