// Accepts HTTP/1.1 connections on one address and calls the handler for each request. Everything runs on the executor
// given, which must be a single thread or a strand. Destroying a listener cuts its connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "common/net/http_limits.hpp"
#include "common/net/tls_context.hpp"
#include "proto/limits.hpp"

namespace common::net {

// One request. What it throws becomes a 500 without detail and is logged.
using http_handler = std::function<boost::asio::awaitable<void>(http_exchange&)>;
// Failures that no client is told: a handler's exception, an accept() that fails. Never contains request content.
using failure_log = std::function<void(std::string_view message)>;

// From the head of a request: fields that every answer to it gets, also those that the listener itself gives (413, 500).
using answer_fields_of = std::function<http_fields(const http_request& head)>;

// From the head of a request: its body is not read before the handler is called, which then takes it by read_body().
using leaves_body_of = std::function<bool(const http_request& head)>;

struct listener_options {
    std::string address = "127.0.0.1";          // an IP address, not a name
    std::uint16_t port = 0;                     // 0: the system picks one, see port()
    std::shared_ptr<server_tls_context> tls{};  // null: plain HTTP
    http_limits limits{};
    std::size_t connections_max = proto::limits::http_connections_max;
    // By IPv4 address or IPv6 /64. Not for loopback, where a proxy on the same machine speaks for everyone; a proxy or
    // NAT elsewhere is one peer.
    std::size_t connections_per_peer_max = proto::limits::http_connections_per_address_max;
    answer_fields_of answer_fields{};
    leaves_body_of leaves_body{};
};

struct listen_error {
    std::string message;
};

class listener {
public:
    static std::expected<std::unique_ptr<listener>, listen_error> open(const boost::asio::any_io_executor& executor,
                                                                       listener_options options, http_handler handler,
                                                                       failure_log log);
    ~listener();
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    std::uint16_t port() const;
    const std::string& address() const;
    // Open connections, those that became WebSockets included.
    std::size_t connections() const;

    // Accepts no more, lets exchanges finish (WebSockets are their owners' to close), cuts what is left after `grace`.
    // True: nothing had to be cut.
    boost::asio::awaitable<bool> stop(std::chrono::milliseconds grace);

private:
    class impl;
    explicit listener(std::shared_ptr<impl> shared);
    std::shared_ptr<impl> impl_;
};

}  // namespace common::net
