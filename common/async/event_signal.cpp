#include "common/async/event_signal.hpp"

#include <list>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace common::async {
namespace asio = boost::asio;

struct event_signal::state {
    struct waiter {
        explicit waiter(const asio::any_io_executor& executor) : timer(executor) {}
        asio::steady_timer timer;
        bool notified = false;
    };

    explicit state(asio::any_io_executor e) : executor(std::move(e)) {}

    void wake(bool notified) {
        for (auto* w : waiters) {
            // Set before the cancel: a timer that expired in this very moment cannot be cancelled any more, but its
            // waiter has not run yet.
            w->notified = notified;
            w->timer.cancel();
        }
    }

    asio::any_io_executor executor;
    std::list<waiter*> waiters;
};

event_signal::event_signal(asio::any_io_executor executor) : state_(std::make_shared<state>(std::move(executor))) {}

event_signal::~event_signal() { state_->wake(false); }

void event_signal::notify_all() { state_->wake(true); }

asio::awaitable<bool> event_signal::wait_until(std::chrono::steady_clock::time_point deadline) {
    return wait_on(state_, deadline);
}

asio::awaitable<bool> event_signal::wait() { return wait_on(state_, std::chrono::steady_clock::time_point::max()); }

asio::awaitable<bool> event_signal::wait_on(std::shared_ptr<state> shared,
                                            std::chrono::steady_clock::time_point deadline) {
    state::waiter self(shared->executor);
    self.timer.expires_at(deadline);
    const auto place = shared->waiters.insert(shared->waiters.end(), &self);
    // The frame may also be destroyed while it waits.
    struct unlink {
        state& from;
        std::list<state::waiter*>::iterator place;
        ~unlink() { from.waiters.erase(place); }
    } const guard{*shared, place};
    // The timer's own error tells nothing more: expired, or cancelled by whoever set `notified` or not.
    const auto [ec] = co_await self.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    std::ignore = ec;
    co_return self.notified;
}

}  // namespace common::async
