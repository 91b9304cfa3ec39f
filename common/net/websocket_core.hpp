// What stands behind a websocket_channel: Beast's WebSocket on our stream, one reader, one queued writer. Slow to
// instantiate, so only websocket_core.cpp and websocket_handshake.cpp include it.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/as_tuple.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "common/async/event_signal.hpp"
#include "common/net/connection_registry.hpp"
#include "common/net/deadline.hpp"
#include "common/net/stream.hpp"
#include "common/net/websocket_channel.hpp"

namespace common::net {

class websocket_core : public std::enable_shared_from_this<websocket_core> {
public:
    using socket = boost::beast::websocket::stream<stream>;

    websocket_core(stream connection, std::size_t message_bytes_max, connection_registry::ticket ticket);

    // For the handshake.
    socket& websocket() { return websocket_; }
    // After it.
    void begin();

    boost::asio::awaitable<std::expected<std::string, websocket_closed>> read();
    void send(std::string message);
    std::size_t queued_bytes() const { return queued_bytes_; }
    boost::asio::awaitable<void> drained_below(std::size_t bytes);
    void close(std::uint16_t code, std::string reason);
    // The channel's owner has let go of it.
    void abandon();
    std::string tls_exporter(std::string_view label) { return lower().tls_exporter(label, 32); }
    boost::asio::any_io_executor executor() { return lower().get_executor(); }

private:
    stream& lower() { return websocket_.next_layer(); }
    void write_next();
    void start_close();
    void on_control_frame(boost::beast::string_view payload);
    void end(websocket_closed why);
    websocket_closed explain(const boost::system::error_code& ec) const;

    socket websocket_;
    std::size_t message_bytes_max_;
    connection_registry::ticket ticket_;
    std::deque<std::string> queue_;  // the first one is being written while writing_
    std::size_t queued_bytes_ = 0;
    bool writing_ = false;
    std::optional<websocket_closed> closing_;  // close() was called
    std::optional<websocket_closed> closed_;   // nothing goes in or out any more
    bool flooded_ = false;
    double control_credit_;
    std::chrono::steady_clock::time_point control_credit_at_;
    async::event_signal drained_;
    deadline close_limit_;
};

std::unique_ptr<websocket_channel> make_websocket_channel(std::shared_ptr<websocket_core> core);

}  // namespace common::net
