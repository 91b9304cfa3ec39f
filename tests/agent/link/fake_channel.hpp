// A WebSocket in memory: what the agent sends lies in `from_agent`, what the test says arrives. Shared by the channel,
// which the connection owns, and the test.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/event_signal.hpp"
#include "common/net/websocket_channel.hpp"

namespace agent::link::test {

struct wire {
    explicit wire(boost::asio::any_io_executor e) : executor(e), arrived(e), drained(e) {}

    void say(std::string message) {
        to_agent.push_back(std::move(message));
        arrived.notify_all();
    }
    void cut(std::uint16_t code = 1006, std::string reason = {}) {
        if (!closed) closed = common::net::websocket_closed{code, std::move(reason)};
        arrived.notify_all();
        drained.notify_all();
    }
    // The socket takes what it has and goes on taking.
    void unblock() {
        blocked = false;
        queued = 0;
        drained.notify_all();
    }

    boost::asio::any_io_executor executor;
    std::deque<std::string> to_agent;
    std::vector<std::string> from_agent;
    bool blocked = false;  // the socket takes nothing
    std::size_t queued = 0;
    std::optional<common::net::websocket_closed> closed;
    std::optional<common::net::websocket_closed> closed_by_agent;
    common::async::event_signal arrived;
    common::async::event_signal drained;
};

class fake_channel final : public common::net::websocket_channel {
public:
    explicit fake_channel(std::shared_ptr<wire> w) : wire_(std::move(w)) {}

    boost::asio::awaitable<std::expected<std::string, common::net::websocket_closed>> read() override {
        const auto w = wire_;
        while (w->to_agent.empty() && !w->closed) co_await w->arrived.wait();
        if (w->to_agent.empty()) co_return std::unexpected(*w->closed);
        std::string message = std::move(w->to_agent.front());
        w->to_agent.pop_front();
        co_return message;
    }
    void send(std::string message) override {
        if (wire_->closed || wire_->closed_by_agent) return;
        if (wire_->blocked) wire_->queued += message.size();
        wire_->from_agent.push_back(std::move(message));
    }
    std::size_t queued_bytes() const override { return wire_->queued; }
    boost::asio::awaitable<void> drained_below(std::size_t bytes) override {
        const auto w = wire_;
        while (w->queued >= bytes && !w->closed) co_await w->drained.wait();
    }
    void close(std::uint16_t code, std::string reason) override {
        if (!wire_->closed_by_agent) wire_->closed_by_agent = common::net::websocket_closed{code, reason};
        wire_->cut(code, std::move(reason));
    }
    boost::asio::any_io_executor executor() const override { return wire_->executor; }
    std::string tls_exporter(std::string_view) const override { return {}; }

private:
    std::shared_ptr<wire> wire_;
};

}  // namespace agent::link::test
