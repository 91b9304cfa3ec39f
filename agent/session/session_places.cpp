// Who may run: live sessions are bounded, and those that have nothing to do give way. They lose nothing by it: the next
// prompt resumes them.
#include <algorithm>
#include <utility>
#include <vector>

#include "agent/session/session_engine.hpp"

namespace agent::session {
namespace asio = boost::asio;
using proto::error_code;
using steady = std::chrono::steady_clock;

namespace {

bool is_ending(const live_session& live) { return !live.over() && !live.accepts(); }

}  // namespace

int session_engine::places_used() const {
    int used = 0;
    for (const auto& [id, live] : live_) used += live->over() || starting_.contains(id) ? 0 : 1;
    for (const auto& [id, what] : starting_) used += what == claim::note ? 0 : 1;
    return used;
}

session_engine::live_ptr session_engine::longest_idle() const {
    live_ptr found;
    for (const auto& [id, live] : live_)
        if (live->idle() && !starting_.contains(id) && (!found || live->last_active() < found->last_active()))
            found = live;
    return found;
}

asio::awaitable<bool> session_engine::make_room() {
    // Claude is given its grace twice, see hold::client::end().
    const auto deadline = steady::now() + 3 * services_.options.end_grace;
    while (places_used() > services_.options.live_max && !services_.stopping) {
        if (const live_ptr idle = longest_idle()) {
            co_await idle->end();
            drop_ended();
            continue;
        }
        const bool one_ends = std::ranges::any_of(live_, [](const auto& entry) { return is_ending(*entry.second); });
        if (!one_ends || steady::now() >= deadline) co_return false;
        co_await services_.changed.wait_until(deadline);
    }
    co_return !services_.stopping;
}

bool session_engine::has_room() const {
    return places_used() < services_.options.live_max || longest_idle() ||
           std::ranges::any_of(live_, [](const auto& entry) { return is_ending(*entry.second); });
}

proto::error session_engine::unreachable(const std::string& session_id) {
    return {error_code::session_busy,
            "Session " + session_id + " runs, but its holder cannot be reached now.",
            "Try again in a moment; get_health tells more.",
            {}};
}

proto::error session_engine::starting(const std::string& session_id) {
    return {
        error_code::session_busy, "Session " + session_id + " is just being started.", "Try again in a moment.", {}};
}

// Wakes when the session that is idle for longest has been so for long enough; never on a machine without live ones.
asio::awaitable<void> session_engine::end_idle() {
    const auto ttl = services_.options.idle_ttl;
    if (ttl.count() == 0) co_return;
    while (!services_.stopping) {
        const auto now = steady::now();
        const live_ptr idle = longest_idle();
        if (idle && idle->last_active() + ttl <= now) {
            co_await idle->end();
            drop_ended();
        } else if (std::ranges::any_of(live_, [](const auto& entry) { return !entry.second->over(); })) {
            // Not every end of work is told here, so it looks again at the latest when work that ends now is due.
            co_await services_.changed.wait_until((idle ? idle->last_active() : now) + ttl);
        } else {
            const bool notified = co_await services_.changed.wait();
            if (!notified) co_return;
        }
    }
}

}  // namespace agent::session
