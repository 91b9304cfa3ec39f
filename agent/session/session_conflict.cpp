// One writer for each conversation: claude itself lets two processes go on with one session, and both write its
// transcript. Our own are kept apart by the session's lock; here the registry tells of others, e.g. in a terminal. Ours
// gives way: it takes no more prompts, ends with its turn, and the session is a mirror while the other runs.
#include <map>
#include <utility>

#include "agent/claude/registry.hpp"
#include "agent/claude/transcript.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/session_engine.hpp"
#include "agent/session/stored_session.hpp"

namespace agent::session {
namespace asio = boost::asio;
using common::db::connection;
using events::session_status;

namespace {

// A session is reserved for the moment of a note, or while it is started.
constexpr std::chrono::seconds note_wait{5};

}  // namespace

session_engine::task<void> session_engine::watch_registry() {
    const auto ids = std::make_shared<std::set<std::string>>();
    const auto looked = co_await services_.log.run([ids](connection& c) {
        events::session_query query;
        query.status = session_status::mirror;
        for (const auto& row : events::list_sessions(c, query)) ids->insert(row.id);
    });
    if (!looked) co_return std::unexpected(looked.error());
    mirrors_ = std::move(*ids);
    registry_changed();
    co_return proto::result<void>();
}

void session_engine::registry_changed() {
    registry_looks_due_ = true;
    if (services_.stopping || std::exchange(looking_at_registry_, true)) return;
    if (!tasks_.spawn(look_at_registry())) looking_at_registry_ = false;
}

void session_engine::read_registry() {
    registry_.watch();
    others_.clear();
    for (auto& each : claude::list_running(claude::config_directory(services_.options.environment))) {
        const auto live = live_.find(each.session_id);
        const bool ours = live != live_.end() && live->second->claude_pid() == each.pid;
        // While one of ours starts, or its holder cannot be reached, it is not known which it is: both look again later.
        if (ours || starting_.contains(each.session_id) || recovery_troubles_.contains(each.session_id)) continue;
        registry_.watch_process(each.pid);
        others_.insert_or_assign(each.session_id, each);
    }
    std::erase_if(not_ours_, [this](const auto& id) { return !others_.contains(id); });
}

asio::awaitable<void> session_engine::look_at_registry() {
    while (std::exchange(registry_looks_due_, false) && !services_.stopping) {
        read_registry();
        const auto now = others_;
        for (const auto& [id, other] : now) {
            if (const live_ptr live = find_live(id))
                co_await live->give_way(other.pid, other.interactive);
            else if (!mirrors_.contains(id) && !not_ours_.contains(id))
                co_await mark_mirror(id, true);
        }
        const auto mirrors = mirrors_;
        for (const auto& id : mirrors)
            if (!others_.contains(id)) co_await mark_mirror(id, false);
    }
    looking_at_registry_ = false;
}

asio::awaitable<void> session_engine::mark_mirror(std::string session_id, bool opened) {
    const auto deadline = std::chrono::steady_clock::now() + note_wait;
    while (starting_.contains(session_id) && std::chrono::steady_clock::now() < deadline && !services_.stopping)
        co_await services_.changed.wait_until(deadline);
    if (starting_.contains(session_id) || services_.stopping) co_return;  // whoever starts it looks again
    const reservation mine(*this, session_id, claim::note);
    auto found = co_await load_session(services_.log, session_id);
    if (!found) co_return;  // the log's trouble is told; the next change of the registry looks again
    if (!found->row) {
        not_ours_.insert(session_id);
        co_return;
    }
    // Ours still runs: its end looks again.
    if (opened && found->row->status == session_status::live) co_return;
    if (found->row->status == (opened ? session_status::idle : session_status::mirror)) {
        turn_reducer reducer(std::move(*found->row), memory_from_json(found->memory));
        reducer.row().status = opened ? session_status::mirror : session_status::idle;
        reducer.row().updated_at = session_services::now_ms();
        reduction changes;
        changes.events.push_back(make_event(session_id, "session.updated", {{"session", session_json(reducer.row())}}));
        auto batch = batch_of(reducer, changes, std::nullopt, reducer.row().updated_at);
        const auto stored = co_await services_.log.append(std::move(batch));
        if (!stored) co_return;
        if (services_.on_row) services_.on_row(reducer.row());
    }
    if (opened)
        mirrors_.insert(session_id);
    else
        mirrors_.erase(session_id);
}

std::optional<proto::error> session_engine::opened_elsewhere(const std::string& session_id) const {
    const auto other = others_.find(session_id);
    if (other == others_.end()) return std::nullopt;
    return conflict_error(other->second.pid, other->second.interactive);
}

}  // namespace agent::session
