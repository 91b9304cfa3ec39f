// One connection of a listener: TLS, then request after request, each answered by the handler before the next is read.
// Everything on the connection's executor.
#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "common/net/connection_registry.hpp"
#include "common/net/listener.hpp"
#include "common/net/stream.hpp"

namespace common::net {

// What all connections of a listener share.
struct http_service {
    http_handler handler;
    failure_log log;
    http_limits limits;
    answer_fields_of answer_fields;  // may be empty
    leaves_body_of leaves_body;      // may be empty
};

// Completes when the connection is closed or has become a WebSocket.
boost::asio::awaitable<void> serve_http(stream connection, boost::asio::ip::tcp::endpoint peer, ssl_context_ptr tls,
                                        std::shared_ptr<const http_service> service,
                                        connection_registry::ticket ticket);

}  // namespace common::net
