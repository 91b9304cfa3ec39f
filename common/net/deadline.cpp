#include "common/net/deadline.hpp"

#include <optional>

#include <boost/asio/steady_timer.hpp>

namespace common::net {

struct deadline::state : std::enable_shared_from_this<state> {
    state(const boost::asio::any_io_executor& executor, std::function<void()> f)
        : timer(executor), on_expire(std::move(f)) {}

    void sleep_until(std::chrono::steady_clock::time_point when) {
        wakes_at = when;
        timer.expires_at(when);  // ends an earlier wait
        timer.async_wait([self = shared_from_this(), when](const boost::system::error_code& ec) {
            if (!ec && self->wakes_at == when) self->wake();
        });
    }

    void wake() {
        wakes_at.reset();
        if (!due) return;
        if (*due > std::chrono::steady_clock::now()) return sleep_until(*due);
        due.reset();
        const auto call = on_expire;  // it may destroy the deadline
        if (call) call();
    }

    boost::asio::steady_timer timer;
    std::function<void()> on_expire;
    std::optional<std::chrono::steady_clock::time_point> due;
    std::optional<std::chrono::steady_clock::time_point> wakes_at;
};

deadline::deadline(const boost::asio::any_io_executor& executor, std::function<void()> on_expire)
    : state_(std::make_shared<state>(executor, std::move(on_expire))) {}

deadline::~deadline() {
    state_->due.reset();
    state_->on_expire = nullptr;
    state_->timer.cancel();
}

void deadline::arm(std::chrono::milliseconds wait) {
    state_->due = std::chrono::steady_clock::now() + wait;
    if (!state_->wakes_at || *state_->due < *state_->wakes_at) state_->sleep_until(*state_->due);
}

void deadline::disarm() { state_->due.reset(); }

}  // namespace common::net
