// Coroutines that are ended together. All of them, and all calls, on the one executor given (a single thread or a
// strand). Stage one asks (cancellation_type::total: a task that wants to notice it calls
// this_coro::reset_cancellation_state(enable_total_cancellation())), stage two ends (terminal: every asynchronous
// operation of the task fails). Destroying the group ends what still runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>

namespace common::async {

class task_group {
public:
    using failure = std::function<void(std::exception_ptr)>;

    // `on_failure` is told what a task threw, other than the cancellation's own operation_aborted.
    task_group(boost::asio::any_io_executor executor, failure on_failure);
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    // False: the group is shutting down, the task was dropped unstarted.
    bool spawn(boost::asio::awaitable<void> task);

    std::size_t size() const;
    void cancel(boost::asio::cancellation_type type);

    // True: no task runs any more. False: the deadline passed.
    boost::asio::awaitable<bool> wait_empty(std::chrono::steady_clock::time_point deadline);

    // Takes no more tasks, asks, waits for `grace`, ends the rest, waits for `last`. True: all have ended.
    boost::asio::awaitable<bool> shutdown(std::chrono::milliseconds grace, std::chrono::milliseconds last);

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace common::async
