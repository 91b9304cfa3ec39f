// A condition that coroutines of one thread wait for: check your state, wait, check again. notify_all() wakes everyone
// who waits now and is not remembered. All calls on the executor given; destroying it wakes all waiters with `false`.
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace common::async {

class event_signal {
public:
    explicit event_signal(boost::asio::any_io_executor executor);
    ~event_signal();
    event_signal(const event_signal&) = delete;
    event_signal& operator=(const event_signal&) = delete;

    void notify_all();

    // True: notified. False: the deadline passed, the wait was cancelled or the signal was destroyed.
    boost::asio::awaitable<bool> wait_until(std::chrono::steady_clock::time_point deadline);
    // Without a deadline: for waits that something else bounds.
    boost::asio::awaitable<bool> wait();

private:
    struct state;
    static boost::asio::awaitable<bool> wait_on(std::shared_ptr<state> shared,
                                                std::chrono::steady_clock::time_point deadline);

    std::shared_ptr<state> state_;
};

}  // namespace common::async
