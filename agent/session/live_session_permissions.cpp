// Permission requests: answers, what needs none, their end in time. See live_session.hpp.
#include <algorithm>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/claude/stream_encode.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/live_session.hpp"
#include "agent/session/permission_decisions.hpp"
#include "agent/session/permission_forms.hpp"
#include "proto/limits.hpp"

namespace agent::session {
namespace asio = boost::asio;

namespace {

// Expiry is told as a time of day, which may be set while we wait.
constexpr std::chrono::milliseconds clock_watch{60'000};
constexpr std::chrono::seconds store_retry{1};

}  // namespace

void live_session::add_answer(const permission_answer& what, const events::answerer& by, std::int64_t now_ms,
                              reduction& out) {
    const auto parsed = [](const std::string& text) {
        return text.empty() ? json() : json::parse(text, nullptr, false);
    };
    const bool allow = what.behavior == permission_behavior::allow;
    given_answer given;
    given.behavior = allow ? "allow" : "deny";
    given.by = by;
    given.details = answer_details(what);
    given.grants = what.grants;
    if (!reducer_.on_permission_answered(what.request_id, given, now_ms, out)) return;
    const auto then = what.interrupt ? claude::after_denial::interrupt : claude::after_denial::go_on;
    permission_change change;
    change.request_id = what.request_id;
    change.state = allow ? events::permission_state::allowed : events::permission_state::denied;
    change.by = by;
    change.line =
        allow ? claude::encode_allow(what.request_id, parsed(what.updated_input), parsed(what.updated_permissions))
              : claude::encode_deny(what.request_id, what.message, then);
    out.answered.push_back(std::move(change));
}

live_session::task<void> live_session::answer(permission_answer what, std::string name) {
    const auto self = shared_from_this();
    const auto guard = co_await lock_.acquire();
    if (!guard || over_) co_return std::unexpected(ended_error());
    if (!reducer_.memory().permissions.contains(what.request_id))
        co_return proto::fail(proto::error_code::not_found, "The permission request is not open any more.");
    if (reducer_.memory().grants.size() + what.grants.size() > proto::limits::permission_grants_max)
        co_return proto::fail(proto::error_code::resource_exhausted,
                              "The session has as many rules for the session as it may.",
                              "Take some back with revoke_grant, or allow it this once.");
    const turn_reducer before = reducer_;
    reduction changes;
    add_answer(what, {what.by, std::move(name)}, session_services::now_ms(), changes);
    const auto last = co_await commit(changes, {});
    if (last) co_return proto::result<void>();
    reducer_ = before;
    co_return std::unexpected(last.error());
}

// In the commit that tells of the requests: nobody sees one waiting that waits for nobody.
void live_session::decide(reduction& out) {
    const auto asked = out.asked;
    for (const auto& each : asked) {
        if (!reducer_.memory().permissions.contains(each.request_id)) continue;
        const auto decided = decide_permission(each, row().cwd, services_.options.tool_rules, reducer_.memory().grants);
        if (decided) add_answer(decided->answer, decided->by, each.created_at, out);
    }
}

void live_session::tell_audited(const claude::stream_message& message, reduction& out) const {
    const auto* line = std::get_if<claude::assistant_line>(&message);
    if (!line || services_.options.tool_rules.audit.empty()) return;
    const std::filesystem::path cwd = row().cwd;
    for (const auto& block : line->blocks) {
        if (block.kind != claude::block_kind::tool_use) continue;
        const auto rule = services_.options.tool_rules.audited_by({block.tool, block.payload, cwd});
        if (rule.empty()) continue;
        out.events.push_back(make_event(
            row().id, "tool.audited",
            {{"toolName", bounded_text(block.tool, 256)}, {"toolUseId", block.tool_use_id}, {"rule", rule}}));
    }
}

live_session::task<int> live_session::revoke_grants(std::string grant_id, events::answerer by) {
    const auto self = shared_from_this();
    const auto guard = co_await lock_.acquire();
    if (!guard || over_) co_return std::unexpected(ended_error());
    const turn_reducer before = reducer_;
    reduction changes;
    const auto count = reducer_.on_grants_withdrawn(grant_id, by, session_services::now_ms(), changes);
    if (count == 0) co_return 0;
    const auto last = co_await commit(changes, {});
    if (last) co_return static_cast<int>(count);
    reducer_ = before;
    co_return std::unexpected(last.error());
}

asio::awaitable<void> live_session::expire() {
    const auto self = shared_from_this();
    while (!over_ && !services_.stopping) {
        const auto& open = reducer_.memory().expiries;
        const auto next = std::ranges::min_element(open, {}, [](const auto& entry) { return entry.second; });
        if (next == open.end() || !ready_) {
            const bool notified = co_await services_.changed.wait();
            if (!notified) co_return;
            continue;
        }
        const std::chrono::milliseconds left(next->second - session_services::now_ms());
        if (left.count() > 0) {
            co_await services_.changed.wait_until(std::chrono::steady_clock::now() + std::min(left, clock_watch));
            continue;
        }
        permission_answer late;
        late.session_id = row().id;
        late.request_id = next->first;
        late.message = "Nobody answered in time.";
        late.by = events::answerer_kind::expiry;
        const auto answered = co_await answer(late, "expiry");
        if (answered || answered.error().code == proto::error_code::not_found) continue;
        asio::steady_timer timer(services_.executor, store_retry);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

}  // namespace agent::session
