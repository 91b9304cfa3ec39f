// Answers to permission requests, and what was allowed for a session.
#include <memory>
#include <utility>

#include "agent/events/permission_rows.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/permission_decisions.hpp"
#include "agent/session/permission_forms.hpp"
#include "agent/session/session_engine.hpp"

namespace agent::session {
using common::db::connection;
using proto::error_code;
using proto::fail;

namespace {

std::string person(const proto::principal& who) {
    if (!who.name.empty()) return who.name;
    return who.client_id.empty() ? "client" : who.client_id;
}

proto::error no_such_session(const std::string& id) {
    return proto::error(error_code::not_found, "This machine has no session " + bounded_text(id, 64) + ".",
                        "list_sessions shows those that it has.", "");
}

}  // namespace

proto::error session_engine::not_open(const permission_answer& answer,
                                      const std::optional<events::permission_row>& row) const {
    proto::error out;
    out.code = error_code::not_found;
    if (!row) {
        out.message = "The session has no permission request " + bounded_text(answer.request_id, 64) + ".";
    } else if (row->state == events::permission_state::withdrawn) {
        out.message = "The permission request was withdrawn: its turn or its session ended.";
    } else {
        out.code = error_code::invalid_argument;  // asking again never helps
        out.message = std::string("The permission request is answered already: ") +
                      (row->state == events::permission_state::allowed ? "allowed" : "denied") + " by " +
                      row->answered_by + (row->answered_kind == events::answerer_kind::client ? " (a client)." : ".");
        out.hint = "The first answer holds.";
    }
    return out;
}

session_engine::task<void> session_engine::respond_permission(permission_answer answer, proto::principal who) {
    auto session = std::make_shared<bool>(false);
    auto row = std::make_shared<std::optional<events::permission_row>>();
    const auto looked =
        co_await services_.log.run([=, id = answer.session_id, request = answer.request_id](connection& c) {
            *session = events::find_session(c, id).has_value();
            *row = events::find_permission(c, id, request);
        });
    if (!looked) co_return std::unexpected(looked.error());
    if (!*session) co_return std::unexpected(no_such_session(answer.session_id));
    const live_ptr live = find_live(answer.session_id);
    if (!live || !*row || (*row)->state != events::permission_state::pending)
        co_return std::unexpected(not_open(answer, *row));
    auto fitting = fit_answer(answer, **row);
    if (!fitting) co_return std::unexpected(std::move(fitting.error()));
    if (fitting->for_session) {
        auto grants = grants_for(**row, live->row().cwd);
        if (!grants) co_return std::unexpected(std::move(grants.error()));
        fitting->grants = std::move(*grants);
    }
    const auto answered = co_await live->answer(std::move(*fitting), person(who));
    if (answered || answered.error().code != error_code::not_found) co_return answered;
    // Somebody else's answer, or its withdrawal, came in between.
    const auto again =
        co_await services_.log.run([=, id = answer.session_id, request = answer.request_id](connection& c) {
            *row = events::find_permission(c, id, request);
        });
    if (!again) co_return std::unexpected(again.error());
    co_return std::unexpected(not_open(answer, *row));
}

session_engine::task<int> session_engine::revoke_grants(std::string session_id, std::string grant_id,
                                                        events::answerer by) {
    if (const live_ptr live = find_live(session_id))
        co_return co_await live->revoke_grants(std::move(grant_id), std::move(by));
    if (starting_.contains(session_id))
        co_return fail(error_code::session_busy, "The session is just being started.", "Try again in a moment.");
    const reservation place(*this, session_id, claim::note);
    auto row = std::make_shared<std::optional<events::session_row>>();
    auto memory = std::make_shared<std::string>();
    const auto looked = co_await services_.log.run([=, id = session_id](connection& c) {
        *row = events::find_session(c, id);
        *memory = find_memory(c, id);
    });
    if (!looked) co_return std::unexpected(looked.error());
    if (!*row) co_return std::unexpected(no_such_session(session_id));
    turn_reducer reducer(**row, memory_from_json(*memory));
    reduction changes;
    const auto count = reducer.on_grants_withdrawn(grant_id, by, session_services::now_ms(), changes);
    if (count == 0) co_return 0;
    events::batch batch;
    batch.events = std::move(changes.events);
    batch.also = [id = session_id, text = to_json(reducer.memory())](connection& c, std::int64_t) {
        save_memory(c, id, text);
    };
    const auto stored = co_await services_.log.append(std::move(batch));
    if (!stored) co_return std::unexpected(stored.error());
    co_return static_cast<int>(count);
}

}  // namespace agent::session
