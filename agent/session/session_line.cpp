// The line: where all places among the live sessions are taken by sessions that work, prompts for others are stored and
// their sessions get places in the order in which they came. The prompts are in the log, so the line survives the agent.
#include <algorithm>
#include <utility>

#include "agent/events/prompt_rows.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/session_engine.hpp"
#include "agent/session/stored_session.hpp"
#include "proto/limits.hpp"

namespace agent::session {
namespace asio = boost::asio;
using common::db::connection;
using events::prompt_state;
using proto::error_code;
using proto::fail;
using steady = std::chrono::steady_clock;

namespace {

// The end of a turn that nobody prompted wakes nobody.
constexpr std::chrono::seconds look_again{10};

}  // namespace

int session_engine::position_of(const std::string& session_id) const {
    const auto found = std::ranges::find(waiting_, session_id);
    return found == waiting_.end() ? 0 : static_cast<int>(found - waiting_.begin()) + 1;
}

session_engine::task<std::int64_t> session_engine::announce_idle(events::session_row row, turn_memory memory) {
    turn_reducer reducer(std::move(row), std::move(memory));
    reducer.memory().announced = true;
    reduction changes;
    changes.events.push_back(
        make_event(reducer.row().id, "session.created", {{"session", session_json(reducer.row())}}));
    auto batch = batch_of(reducer, changes, std::nullopt, session_services::now_ms());
    const auto last = co_await services_.log.append(std::move(batch));
    if (!last) co_return std::unexpected(last.error());
    if (services_.on_row) services_.on_row(reducer.row());
    co_return *last - 1;
}

session_engine::task<std::optional<sent>> session_engine::wait_in_line(prompt_request request, std::string principal) {
    const std::string id = request.session_id;
    const auto deadline = steady::now() + services_.options.start_timeout;
    while (starting_.contains(id) && steady::now() < deadline && !services_.stopping)
        co_await services_.changed.wait_until(deadline);
    if (starting_.contains(id) || services_.stopping) co_return std::unexpected(starting(id));
    if (find_live(id)) co_return std::nullopt;
    if (position_of(id) == 0 && waiting_.size() >= proto::limits::waiting_sessions_max)
        co_return fail(error_code::resource_exhausted,
                       "All sessions that this machine may run are at work, and " + std::to_string(waiting_.size()) +
                           " more wait for them.",
                       "Try again later, or raise `max_sessions` in the machine's agent.toml.");
    const reservation place(*this, id, claim::note);
    auto found = co_await load_session(services_.log, id);
    if (!found) co_return std::unexpected(found.error());
    if (!found->row)
        co_return fail(error_code::not_found, "This machine has no session " + bounded_text(id, 64) + ".",
                       "list_sessions shows those that it has.");
    if (found->row->status == events::session_status::live) co_return std::unexpected(unreachable(id));

    turn_reducer reducer(std::move(*found->row), memory_from_json(found->memory));
    if (request.attach) {
        auto before = co_await live_session::open_prompt(services_.log, reducer.memory(), request, principal);
        if (!before) co_return std::unexpected(before.error());
        if (*before) {
            (*before)->queue_position = position_of(id);
            co_return std::move(*before);
        }
    }
    if (reducer.memory().prompts.size() >= proto::limits::queued_prompts_max)
        co_return fail(error_code::resource_exhausted,
                       "The session has " + std::to_string(proto::limits::queued_prompts_max) + " prompts waiting.",
                       "Wait until some of them are done, or abort the session.");
    events::prompt_row row;
    row.uuid = request.prompt_uuid;
    row.session_id = id;
    row.text = request.text;
    row.principal = std::move(principal);
    row.via = "resume";
    row.created_at = row.updated_at = session_services::now_ms();
    reduction changes;
    reducer.on_prompt_accepted(row.uuid, row.text, row.created_at, changes, prompt_progress::waiting);
    auto batch = batch_of(reducer, changes, row, row.created_at);
    const auto last = co_await services_.log.append(std::move(batch));
    if (!last) co_return std::unexpected(last.error());
    join_line(id);
    if (services_.on_row) services_.on_row(reducer.row());
    sent out;
    out.prompt_uuid = row.uuid;
    out.via = row.via;
    out.cursor = *last - static_cast<std::int64_t>(changes.events.size());
    out.queue_position = position_of(id);
    co_return out;
}

void session_engine::join_line(const std::string& session_id) {
    if (position_of(session_id) == 0) waiting_.push_back(session_id);
    if (!std::exchange(serving_line_, true)) tasks_.spawn(serve_line());
}

asio::awaitable<void> session_engine::serve_line() {
    while (!waiting_.empty() && !services_.stopping) {
        const std::string id = waiting_.front();
        if (starting_.contains(id) || !has_room()) {
            co_await services_.changed.wait_until(steady::now() + look_again);
            continue;
        }
        const reservation place(*this, id, claim::resume);
        const bool room = co_await make_room();
        // It may have been taken out of the line meanwhile.
        if (!room || waiting_.empty() || waiting_.front() != id) continue;
        waiting_.pop_front();
        co_await start_waiting(id);
    }
    serving_line_ = false;
}

asio::awaitable<void> session_engine::start_waiting(std::string session_id) {
    auto found = co_await load_session(services_.log, session_id);
    if (!found || !found->row) {  // the log's trouble is told by get_health; the prompts stay
        if (!found) waiting_.push_back(session_id);
        co_return;
    }
    if (const auto conflict = opened_elsewhere(session_id)) {
        std::ignore = co_await drop_waiting(session_id, prompt_state::rejected, conflict->message);
        co_return;
    }
    const int depth = static_cast<int>(found->row->depth);
    const auto live = co_await launch(std::move(*found->row), memory_from_json(found->memory), depth);
    if (live) {
        std::ignore = co_await (*live)->tell_started();  // fails where it has ended already, which was told
        co_return;
    }
    if (services_.stopping) co_return;  // claude is starting all the same: the next agent finds it
    std::ignore = co_await drop_waiting(session_id, prompt_state::rejected,
                                        live.error().message + " The prompt was not given to Claude Code.");
}

session_engine::task<void> session_engine::drop_waiting(std::string session_id, prompt_state state, std::string error) {
    auto found = co_await load_session(services_.log, session_id);
    if (!found) co_return std::unexpected(found.error());
    if (!found->row) co_return proto::result<void>();
    turn_reducer reducer(std::move(*found->row), memory_from_json(found->memory));
    const std::int64_t now_ms = session_services::now_ms();
    reduction changes;
    reducer.on_prompts_dropped(state, error, now_ms, changes);
    if (changes.prompts.empty()) co_return proto::result<void>();
    auto batch = batch_of(reducer, changes, std::nullopt, now_ms);
    const auto last = co_await services_.log.append(std::move(batch));
    if (!last) co_return std::unexpected(last.error());
    if (services_.on_row) services_.on_row(reducer.row());
    services_.tell_changed();
    co_return proto::result<void>();
}

session_engine::task<bool> session_engine::leave_line(std::string session_id) {
    const auto place = std::ranges::find(waiting_, session_id);
    if (place == waiting_.end()) co_return false;
    waiting_.erase(place);
    const auto deadline = steady::now() + services_.options.start_timeout;
    while (starting_.contains(session_id) && steady::now() < deadline && !services_.stopping)
        co_await services_.changed.wait_until(deadline);
    if (starting_.contains(session_id)) co_return std::unexpected(starting(session_id));
    const reservation mine(*this, session_id, claim::note);
    const auto dropped = co_await drop_waiting(session_id, prompt_state::cancelled,
                                               "The prompt was cancelled while its session waited for a place.");
    if (!dropped) co_return std::unexpected(dropped.error());
    co_return true;
}

// After a restart of the agent.
session_engine::task<void> session_engine::join_line_again() {
    const auto ids = std::make_shared<std::vector<std::string>>();
    const auto looked = co_await services_.log.run([ids](connection& c) { *ids = sessions_in_line(c); });
    if (!looked) co_return std::unexpected(looked.error());
    for (const auto& id : *ids) join_line(id);
    co_return proto::result<void>();
}

asio::awaitable<void> session_engine::rejoin_after(live_ptr ended) {
    while (!ended->over() && !ended->ready() && !services_.stopping) {
        const bool notified = co_await services_.changed.wait();
        if (!notified) co_return;
    }
    if (ended->over() && ended->owes_prompts()) join_line(ended->row().id);
}

}  // namespace agent::session
