// Opens an outgoing connection: address, proxy, TCP, TLS, all under one deadline. On the executor of the coroutine that
// awaits it.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include "common/net/connect_error.hpp"
#include "common/net/proxy.hpp"
#include "common/net/stream.hpp"

namespace common::net {

struct connect_target {
    std::string host;  // a name or an address, without brackets
    std::uint16_t port = 0;
    bool tls = false;
    std::string host_field;  // as in the Host field
    std::string path_query;  // begins with '/'
};

// `scheme` is "http" (for http and https) or "ws" (for ws and wss).
std::expected<connect_target, connect_error> parse_target(std::string_view url, std::string_view scheme);

struct fetch_guard;

struct connect_options {
    std::string ca_file;
    std::optional<proxy_address> proxy;
    std::chrono::steady_clock::time_point deadline;
    std::shared_ptr<const fetch_guard> guard{};  // dials no address that it does not accept, and no proxy
};

boost::asio::awaitable<std::expected<stream, connect_error>> open_connection(connect_target target,
                                                                             connect_options options);

// All addresses of a name, or the address that it is. Of the system's resolver.
boost::asio::awaitable<std::expected<std::vector<boost::asio::ip::address>, connect_error>> look_up(
    std::string host, std::chrono::steady_clock::time_point deadline);

// How long until the deadline, at least 1 ms.
std::chrono::milliseconds time_left(std::chrono::steady_clock::time_point deadline);

}  // namespace common::net
