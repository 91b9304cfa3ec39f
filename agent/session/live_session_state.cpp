// What a live session is at: idle, waiting, troubled, or in another claude's way. See live_session.hpp.
#include <string>
#include <utility>

#include "agent/claude/start_options.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/live_session.hpp"

namespace agent::session {
namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

namespace {

// Of a request to the API, before get_health tells of it.
constexpr std::int64_t retries_told = 3;
// The longest single answers take some minutes, and without partial messages nothing comes before their end.
constexpr std::chrono::minutes silence_told{15};

}  // namespace

proto::error conflict_error(int pid, bool interactive) {
    return {proto::error_code::session_busy,
            std::string(interactive ? "Somebody's terminal" : "Another claude") + " (process " + std::to_string(pid) +
                ") has this session open on the machine.",
            "End it there first; the session can then be resumed from here.",
            {}};
}

asio::awaitable<void> live_session::give_way(int pid, bool interactive) {
    const auto self = shared_from_this();
    if (conflict_ || over_) co_return;
    conflict_ = conflict_error(pid, interactive);
    const auto guard = co_await lock_.acquire();
    if (!guard || over_) co_return;
    reduction changes;
    changes.events.push_back(make_event(row().id, "session.conflict",
                                        {{"pid", pid}, {"interactive", interactive}, {"message", conflict_->message}}));
    std::ignore = co_await commit(changes, {});  // if the log does not take it, it tells its own trouble
    end_if_unwanted();
}

bool live_session::idle() const {
    const turn_memory& memory = reducer_.memory();
    return ready_ && accepts() && inbox_.empty() && outbox_.empty() && !reducer_.busy() && memory.permissions.empty() &&
           memory.tasks.empty() && claude::keeps_transcript(options_);
}

activity live_session::now() const {
    const turn_memory& memory = reducer_.memory();
    activity out;
    out.waits_for = !memory.permissions.empty() ? "permission"
                    : retry_                    ? "retry"
                    : !memory.tools.empty()     ? "tool"
                    : reducer_.busy()           ? "model"
                    : !memory.tasks.empty()     ? "background"
                                                : "nothing";
    out.last_output_at_ms = last_output_ms_;
    for (const auto& [id, tool] : memory.tools) out.tools.push_back(tool.tool);
    if (retry_) out.retry = dump(retry_json(*retry_));
    out.holder = client_ ? client_->trouble() : std::string();
    if (out.holder.empty()) out.holder = "attached";
    return out;
}

std::string live_session::trouble() const {
    if (!store_trouble_.empty()) return store_trouble_;
    if (auto holders = client_ ? client_->trouble() : std::string(); !holders.empty()) return holders;
    const auto waits_for = now().waits_for;
    if (waits_for == "retry" && retry_->attempt >= retries_told)
        return "Anthropic's API fails (" + retry_->error + "): claude tries again, " + std::to_string(retry_->attempt) +
               " times so far.";
    const auto silent = std::chrono::duration_cast<std::chrono::minutes>(steady::now() - last_active_);
    if (waits_for == "model" && silent >= silence_told)
        return "claude has said nothing for " + std::to_string(silent.count()) +
               " minutes. If it is stuck and not only slow, abort_session interrupts it.";
    return {};
}

}  // namespace agent::session
