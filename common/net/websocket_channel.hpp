// One WebSocket, client or server side, over TCP or TLS: whole binary messages in, whole binary messages out.
// All calls on the executor it was made with. Beast's own timeouts, pings and permessage-deflate are off: the link has
// its own heartbeat, and deflate corrupts in Boost 1.81.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace common::net {

struct websocket_closed {
    std::uint16_t code = 1006;  // RFC 6455 §7.4; 1006 if the connection just ended
    std::string reason;
};

class websocket_channel {
public:
    virtual ~websocket_channel() = default;

    // The next binary message. A text message, an oversized one or a protocol error closes the channel. One reader at
    // a time. The error is returned again on every later call.
    virtual boost::asio::awaitable<std::expected<std::string, websocket_closed>> read() = 0;

    // Queues a message; messages leave in order. The caller bounds the queue by queued_bytes().
    virtual void send(std::string message) = 0;
    virtual std::size_t queued_bytes() const = 0;
    // Completes when queued_bytes() has fallen under `bytes`, or the channel is closed.
    virtual boost::asio::awaitable<void> drained_below(std::size_t bytes) = 0;

    // Sends what is queued, then a close frame; drops the connection if that takes longer than 5 s. Idempotent.
    virtual void close(std::uint16_t code, std::string reason) = 0;

    virtual boost::asio::any_io_executor executor() const = 0;
    // 32 bytes of RFC 5705 keying material, or empty without TLS.
    virtual std::string tls_exporter(std::string_view label) const = 0;
};

}  // namespace common::net
