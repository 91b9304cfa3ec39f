#include "common/async/blocking_pool.hpp"

#include <algorithm>
#include <tuple>

#include <sys/resource.h>

namespace common::async {

std::string_view to_sentence(pool_error error) {
    switch (error) {
        case pool_error::overloaded:
            return "Too much work is waiting; try again in a moment.";
        case pool_error::stopped:
            return "The program is shutting down.";
    }
    return "Unknown pool error.";
}

blocking_pool::blocking_pool(std::size_t threads, std::size_t queue_max, priority how) : queue_max_(queue_max) {
    threads_.reserve(std::max<std::size_t>(threads, 1));
    for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
        threads_.emplace_back([this, how] {
            // Of this thread alone: on Linux each has its own (setpriority(2), "C library/kernel differences").
            if (how == priority::background) std::ignore = ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + 10);
            work_loop();
        });
    }
}

blocking_pool::~blocking_pool() { stop(); }

void blocking_pool::stop() {
    std::deque<std::unique_ptr<work>> refused;
    std::vector<std::thread> ending;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        refused.swap(queue_);
        ending.swap(threads_);
    }
    wake_.notify_all();
    for (const auto& item : refused) item->refuse(pool_error::stopped);
    for (auto& thread : ending) thread.join();
}

std::size_t blocking_pool::queued() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
}

void blocking_pool::enqueue(std::unique_ptr<work> item) {
    const auto refusal = try_enqueue(item);
    if (refusal) {
        item->refuse(*refusal);
    } else {
        wake_.notify_one();
    }
}

std::optional<pool_error> blocking_pool::try_enqueue(std::unique_ptr<work>& item) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return pool_error::stopped;
    if (queue_.size() >= queue_max_) return pool_error::overloaded;
    queue_.push_back(std::move(item));
    return std::nullopt;
}

void blocking_pool::work_loop() {
    for (;;) {
        std::unique_ptr<work> item;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            item = std::move(queue_.front());
            queue_.pop_front();
        }
        item->execute();
    }
}

}  // namespace common::async
