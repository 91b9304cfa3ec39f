// Threads for work that blocks: SQL, files, password hashing. The queue is bounded; a full one is an error, not a wait.
// run() may be called from any executor and resumes there; the job itself runs on a pool thread. A job that nobody waits
// for any more (its io_context is gone) still runs to its end. Destroy the pool before what its jobs refer to.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/async/pool_waiters.hpp"

namespace common::async {

enum class pool_error {
    overloaded,  // the queue is full: try again later
    stopped,     // the pool ended before the job began
};

// A sentence for logs and people.
std::string_view to_sentence(pool_error error);

class blocking_pool {
public:
    // Background threads get a tenth of the processor where others want it too (nice +10).
    enum class priority { normal, background };
    blocking_pool(std::size_t threads, std::size_t queue_max, priority how = priority::normal);
    ~blocking_pool();
    blocking_pool(const blocking_pool&) = delete;
    blocking_pool& operator=(const blocking_pool&) = delete;

    // The result of job() on a pool thread; what it throws is thrown in the awaiter. job may be move-only. A plain
    // function: nothing starts before the result is awaited.
    template <class Job, class R = std::invoke_result_t<Job&>>
    boost::asio::awaitable<std::expected<R, pool_error>> run(Job job) {
        using signature = void(std::exception_ptr, std::expected<R, pool_error>);
        return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, signature>(
            [this](auto handler, Job body) { this->template start<R>(std::move(handler), std::move(body)); },
            boost::asio::use_awaitable, std::move(job));
    }

    // Jobs that run now are finished, those that wait fail with `stopped`. Blocks until the threads have ended. Never
    // from a pool thread.
    void stop();

    std::size_t queued() const;

private:
    // One queued job. Exactly one of the two is called, once.
    class work {
    public:
        virtual ~work() = default;
        virtual void execute() = 0;
        virtual void refuse(pool_error error) = 0;
    };

    template <class R, class Handler, class Job>
    class pooled_job;

    template <class R, class Handler, class Job>
    void start(Handler handler, Job job) {
        enqueue(std::make_unique<pooled_job<R, Handler, Job>>(std::move(handler), std::move(job)));
    }

    void enqueue(std::unique_ptr<work> item);
    // Takes the item, or says why not.
    std::optional<pool_error> try_enqueue(std::unique_ptr<work>& item);
    void work_loop();

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::unique_ptr<work>> queue_;
    std::size_t queue_max_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

template <class R, class Handler, class Job>
class blocking_pool::pooled_job final : public work {
public:
    pooled_job(Handler handler, Job job) : waiter_(std::move(handler)), job_(std::move(job)) {}

    void execute() override {
        outcome out = std::unexpected(pool_error::stopped);
        std::exception_ptr thrown;
        try {
            if constexpr (std::is_void_v<R>) {
                (*job_)();
                out = outcome();
            } else {
                out = (*job_)();
            }
        } catch (...) {
            thrown = std::current_exception();
        }
        job_.reset();  // what the job holds is released before its awaiter goes on
        waiter_.complete(std::move(thrown), std::move(out));
    }

    void refuse(pool_error error) override {
        job_.reset();
        waiter_.complete(nullptr, outcome(std::unexpected(error)));
    }

private:
    using outcome = std::expected<R, pool_error>;

    pool_waiter<Handler, outcome> waiter_;
    std::optional<Job> job_;
};

}  // namespace common::async
