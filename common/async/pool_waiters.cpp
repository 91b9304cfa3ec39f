#include "common/async/pool_waiters.hpp"

namespace common::async {
namespace {

// Tells pool_waiters that its context is being destroyed.
class waiters_service final : public boost::asio::execution_context::service {
public:
    using key_type = waiters_service;
    static inline boost::asio::execution_context::id id;

    explicit waiters_service(boost::asio::execution_context& context)
        : service(context), waiters(std::make_shared<pool_waiters>()) {}

    const std::shared_ptr<pool_waiters> waiters;

private:
    void shutdown() override { waiters->shutdown(); }
};

}  // namespace

std::shared_ptr<pool_waiters> pool_waiters::of(boost::asio::execution_context& context) {
    return boost::asio::use_service<waiters_service>(context).waiters;
}

void pool_waiters::add(std::shared_ptr<entry> waiter) {
    {
        const std::lock_guard lock(mutex_);
        if (!gone_) {
            waiting_.insert(std::move(waiter));
            return;
        }
    }
    waiter->discard();
}

void pool_waiters::shutdown() {
    std::unordered_set<std::shared_ptr<entry>> orphans;
    {
        const std::lock_guard lock(mutex_);
        gone_ = true;
        orphans.swap(waiting_);
    }
    for (const auto& orphan : orphans) orphan->discard();
}

}  // namespace common::async
