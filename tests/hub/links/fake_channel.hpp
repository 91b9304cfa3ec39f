// Two ends of a WebSocket, joined in memory. Messages arrive in order and at once, unless one end stops taking them.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/async/event_signal.hpp"
#include "common/net/websocket_channel.hpp"

namespace tests {

class fake_channel final : public common::net::websocket_channel {
public:
    static std::pair<std::unique_ptr<fake_channel>, std::unique_ptr<fake_channel>> pair(
        const boost::asio::any_io_executor& executor);
    ~fake_channel() override;

    boost::asio::awaitable<std::expected<std::string, common::net::websocket_closed>> read() override;
    void send(std::string message) override;
    std::size_t queued_bytes() const override { return queued_bytes_of(own_->outbox); }
    boost::asio::awaitable<void> drained_below(std::size_t bytes) override;
    void close(std::uint16_t code, std::string reason) override;
    boost::asio::any_io_executor executor() const override { return own_->executor; }
    std::string tls_exporter(std::string_view) const override { return {}; }

    // What this end's peer sends stays with the peer until take_again().
    void stop_taking();
    void take_again();
    // The connection just ends, without a close frame.
    void cut();

private:
    struct end {
        explicit end(boost::asio::any_io_executor e) : executor(e), changed(e) {}
        boost::asio::any_io_executor executor;
        common::async::event_signal changed;
        std::deque<std::string> inbox;
        std::deque<std::string> outbox;  // not taken yet by the peer
        bool takes = true;
        std::optional<common::net::websocket_closed> closed;
    };
    static std::size_t queued_bytes_of(const std::deque<std::string>& queue);
    void end_both(const common::net::websocket_closed& why);

    fake_channel(std::shared_ptr<end> own, std::shared_ptr<end> peer) : own_(std::move(own)), peer_(std::move(peer)) {}

    std::shared_ptr<end> own_;
    std::shared_ptr<end> peer_;
};

}  // namespace tests
