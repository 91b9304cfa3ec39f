#include "common/async/task_group.hpp"

#include <list>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include "common/async/event_signal.hpp"

namespace common::async {
namespace asio = boost::asio;

struct task_group::state {
    state(asio::any_io_executor e, failure f) : executor(std::move(e)), on_failure(std::move(f)), ended(executor) {}

    void cancel(asio::cancellation_type type) {
        // A cancelled operation completes later, never inside emit(), so no task leaves the list here.
        for (auto& signal : signals) signal.emit(type);
    }

    void finished(std::list<asio::cancellation_signal>::iterator task, const std::exception_ptr& thrown) {
        signals.erase(task);
        if (thrown && on_failure && !is_cancellation(thrown)) on_failure(thrown);
        if (signals.empty()) ended.notify_all();
    }

    static bool is_cancellation(const std::exception_ptr& thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (const boost::system::system_error& e) {
            return e.code() == asio::error::operation_aborted;
        } catch (...) {
            return false;
        }
    }

    asio::any_io_executor executor;
    failure on_failure;
    event_signal ended;
    std::list<asio::cancellation_signal> signals;  // one for each task that runs
    bool closing = false;
};

task_group::task_group(asio::any_io_executor executor, failure on_failure)
    : state_(std::make_shared<state>(std::move(executor), std::move(on_failure))) {}

task_group::~task_group() {
    state_->closing = true;
    state_->cancel(asio::cancellation_type::terminal);
}

bool task_group::spawn(asio::awaitable<void> task) {
    if (state_->closing) return false;
    const auto place = state_->signals.emplace(state_->signals.end());
    // The handler runs on the tasks' own executor, else emit() would race with it.
    auto handler = [shared = state_, place](const std::exception_ptr& thrown) { shared->finished(place, thrown); };
    asio::co_spawn(state_->executor, std::move(task), asio::bind_cancellation_slot(place->slot(), std::move(handler)));
    return true;
}

std::size_t task_group::size() const { return state_->signals.size(); }

void task_group::cancel(asio::cancellation_type type) { state_->cancel(type); }

asio::awaitable<bool> task_group::wait_empty(std::chrono::steady_clock::time_point deadline) {
    const auto shared = state_;
    while (!shared->signals.empty()) {
        const bool woken = co_await shared->ended.wait_until(deadline);
        if (!woken) break;
    }
    const bool all_ended = shared->signals.empty();
    co_return all_ended;
}

asio::awaitable<bool> task_group::shutdown(std::chrono::milliseconds grace, std::chrono::milliseconds last) {
    using clock = std::chrono::steady_clock;
    state_->closing = true;
    state_->cancel(asio::cancellation_type::total);
    const bool ended = co_await wait_empty(clock::now() + grace);
    if (ended) co_return true;
    state_->cancel(asio::cancellation_type::terminal);
    const bool ended_at_last = co_await wait_empty(clock::now() + last);
    co_return ended_at_last;
}

}  // namespace common::async
