#include "common/mcp/wake_line.hpp"

#include <tuple>
#include <utility>

#include <boost/asio/post.hpp>

namespace common::mcp {

wake_line::wake_line(const boost::asio::any_io_executor& executor)
    : executor_(executor), state_(std::make_shared<state>(executor)) {}

void wake_line::state::wake() {
    is_woken = true;
    signal.notify_all();
}

void wake_line::wake() { state_->wake(); }

std::function<void()> wake_line::from_anywhere() const {
    return [executor = executor_, weak = std::weak_ptr(state_)] {
        boost::asio::post(executor, [weak] {
            if (const auto held = weak.lock()) held->wake();
        });
    };
}

boost::asio::awaitable<bool> wake_line::wait_until(std::chrono::steady_clock::time_point deadline) {
    const auto held = state_;
    if (!held->is_woken) std::ignore = co_await held->signal.wait_until(deadline);
    co_return std::exchange(held->is_woken, false);
}

}  // namespace common::mcp
