#include "tests/hub/links/fake_channel.hpp"

namespace tests {

namespace asio = boost::asio;
using common::net::websocket_closed;

std::pair<std::unique_ptr<fake_channel>, std::unique_ptr<fake_channel>> fake_channel::pair(
    const asio::any_io_executor& executor) {
    const auto left = std::make_shared<end>(executor);
    const auto right = std::make_shared<end>(executor);
    return {std::unique_ptr<fake_channel>(new fake_channel(left, right)),
            std::unique_ptr<fake_channel>(new fake_channel(right, left))};
}

fake_channel::~fake_channel() { end_both({1006, "the other end has gone"}); }

asio::awaitable<std::expected<std::string, websocket_closed>> fake_channel::read() {
    const auto own = own_;
    while (own->inbox.empty() && !own->closed) std::ignore = co_await own->changed.wait();
    if (own->inbox.empty()) co_return std::unexpected(*own->closed);
    std::string message = std::move(own->inbox.front());
    own->inbox.pop_front();
    co_return message;
}

void fake_channel::send(std::string message) {
    if (own_->closed) return;
    (peer_->takes ? peer_->inbox : own_->outbox).push_back(std::move(message));
    peer_->changed.notify_all();
}

std::size_t fake_channel::queued_bytes_of(const std::deque<std::string>& queue) {
    std::size_t bytes = 0;
    for (const auto& message : queue) bytes += message.size();
    return bytes;
}

asio::awaitable<void> fake_channel::drained_below(std::size_t bytes) {
    const auto own = own_;
    while (!own->closed && queued_bytes_of(own->outbox) >= bytes) std::ignore = co_await own->changed.wait();
}

void fake_channel::close(std::uint16_t code, std::string reason) { end_both({code, std::move(reason)}); }

void fake_channel::cut() { end_both({1006, "cut"}); }

void fake_channel::end_both(const websocket_closed& why) {
    for (auto* one : {own_.get(), peer_.get()}) {
        if (!one->closed) one->closed = why;
        one->changed.notify_all();
    }
}

void fake_channel::stop_taking() { own_->takes = false; }

void fake_channel::take_again() {
    own_->takes = true;
    while (!peer_->outbox.empty()) {
        own_->inbox.push_back(std::move(peer_->outbox.front()));
        peer_->outbox.pop_front();
    }
    own_->changed.notify_all();
    peer_->changed.notify_all();
}

}  // namespace tests
