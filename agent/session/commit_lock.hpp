// One coroutine at a time changes a session and commits the change: memory and disk never disagree. Fair enough: waiters
// are woken in the order in which they came. I/O thread; must outlive its guards.
#pragma once

#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/event_signal.hpp"

namespace agent::session {

class commit_lock {
public:
    explicit commit_lock(boost::asio::any_io_executor executor) : released_(std::move(executor)) {}

    class guard {
    public:
        guard() = default;
        explicit guard(commit_lock* lock) : lock_(lock) {}
        guard(guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
        guard& operator=(guard&& other) noexcept {
            release();
            lock_ = std::exchange(other.lock_, nullptr);
            return *this;
        }
        ~guard() { release(); }
        void release() {
            if (auto* lock = std::exchange(lock_, nullptr)) {
                lock->held_ = false;
                lock->released_.notify_all();
            }
        }
        explicit operator bool() const { return lock_ != nullptr; }

    private:
        commit_lock* lock_ = nullptr;
    };

    // An empty guard: the wait was cancelled.
    boost::asio::awaitable<guard> acquire() {
        while (held_) {
            const bool notified = co_await released_.wait();
            if (!notified) co_return guard();
        }
        held_ = true;
        co_return guard(this);
    }

private:
    common::async::event_signal released_;
    bool held_ = false;
};

}  // namespace agent::session
