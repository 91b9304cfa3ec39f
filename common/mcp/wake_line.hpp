// Lets any thread wake a coroutine that lives on one executor, and remembers one wake that comes while it is busy.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/event_signal.hpp"

namespace common::mcp {

class wake_line {
public:
    explicit wake_line(const boost::asio::any_io_executor& executor);

    void wake();                                  // on the executor
    std::function<void()> from_anywhere() const;  // harmless when the line has gone

    // True: woken, since the last wait. False: the deadline has passed. For one waiter.
    boost::asio::awaitable<bool> wait_until(std::chrono::steady_clock::time_point deadline);

private:
    struct state {
        explicit state(const boost::asio::any_io_executor& executor) : signal(executor) {}
        void wake();
        async::event_signal signal;
        bool is_woken = false;
    };

    boost::asio::any_io_executor executor_;
    std::shared_ptr<state> state_;
};

}  // namespace common::mcp
