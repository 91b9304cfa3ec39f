// The other half of blocking_pool: who waits for a job. A waiting coroutine belongs to its io_context; when that is
// destroyed first, the coroutine is destroyed with it, there, and the job's result is dropped. Thread-safe.
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>

namespace common::async {

// All waiters of one execution context.
class pool_waiters {
public:
    class entry {
    public:
        virtual ~entry() = default;
        virtual void discard() = 0;
    };

    static std::shared_ptr<pool_waiters> of(boost::asio::execution_context& context);

    void add(std::shared_ptr<entry> waiter);
    // Runs `resume` unless the context is gone. The context cannot go while it runs.
    template <class Resume>
    void finish(const std::shared_ptr<entry>& waiter, Resume&& resume) {
        const std::lock_guard lock(mutex_);
        if (waiting_.erase(waiter) != 0) resume();
    }
    void shutdown();

private:
    std::mutex mutex_;
    bool gone_ = false;
    std::unordered_set<std::shared_ptr<entry>> waiting_;
};

// One completion handler `void(std::exception_ptr, Outcome)`, called at most once.
template <class Handler, class Outcome>
class pool_waiter {
public:
    explicit pool_waiter(Handler handler)
        : slot_(std::make_shared<slot>(std::move(handler))),
          waiters_(pool_waiters::of(boost::asio::query(*slot_->executor, boost::asio::execution::context))) {
        waiters_->add(slot_);
    }

    void complete(std::exception_ptr thrown, Outcome outcome) {
        waiters_->finish(slot_, [&] {
            // The executor counts as work until here, so run() has not returned in the meantime.
            const auto executor = *std::exchange(slot_->executor, std::nullopt);
            boost::asio::post(executor,
                              [handler = std::move(*std::exchange(slot_->handler, std::nullopt)), e = std::move(thrown),
                               out = std::move(outcome)]() mutable { handler(std::move(e), std::move(out)); });
        });
    }

private:
    struct slot final : pool_waiters::entry {
        explicit slot(Handler h)
            : executor(boost::asio::prefer(boost::asio::any_io_executor(boost::asio::get_associated_executor(h)),
                                           boost::asio::execution::outstanding_work.tracked)),
              handler(std::move(h)) {}
        void discard() override {
            handler.reset();
            executor.reset();
        }
        std::optional<boost::asio::any_io_executor> executor;
        std::optional<Handler> handler;
    };

    std::shared_ptr<slot> slot_;
    std::shared_ptr<pool_waiters> waiters_;
};

}  // namespace common::async
