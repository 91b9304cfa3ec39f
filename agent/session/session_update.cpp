// Changing a session's title, model, permission mode and effort; see engine.hpp.
#include <memory>
#include <utility>

#include "agent/claude/launch.hpp"
#include "agent/claude/stream_encode.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/event_bodies.hpp"
#include "agent/session/session_engine.hpp"
#include "agent/session/uuid.hpp"
#include "proto/limits.hpp"

namespace agent::session {
using common::db::connection;
using proto::error_code;
using proto::fail;

namespace {

constexpr std::chrono::seconds claude_timeout{10};

proto::result<void> check(const update_request& request) {
    if (request.title.size() > proto::limits::title_bytes_max || request.model.size() > proto::limits::name_bytes_max)
        return fail(error_code::invalid_argument, "title may have 120 bytes, model 128.");
    if (!request.permission_mode.empty() &&
        (!claude::is_permission_mode(request.permission_mode) || request.permission_mode == "bypassPermissions"))
        return fail(error_code::invalid_argument,
                    "permission_mode must be default, acceptEdits, plan, dontAsk or auto.");
    return {};
}

}  // namespace

live_session::task<void> live_session::update(update_request wanted) {
    const auto self = shared_from_this();
    struct step {
        std::string update_request::* what;
        std::string line;
    };
    std::vector<std::pair<std::string, step>> steps;
    const auto add = [&](std::string update_request::* what, auto encode) {
        if ((wanted.*what).empty()) return;
        const std::string id = "codez-" + random_uuid();
        steps.push_back({id, {what, encode(id, wanted.*what)}});
    };
    add(&update_request::title, claude::encode_rename);
    add(&update_request::model, claude::encode_set_model);
    add(&update_request::permission_mode, claude::encode_set_permission_mode);
    add(&update_request::effort, claude::encode_set_effort);

    // What claude has taken is stored, also if it refuses the next.
    update_request taken;
    proto::result<void> outcome;
    for (auto& [id, each] : steps) {
        auto reply = co_await ask(id, std::move(each.line), claude_timeout);
        if (!reply) {
            outcome = std::unexpected(std::move(reply.error()));
            break;
        }
        if (!reply->ok) {
            outcome = fail(error_code::invalid_argument, "Claude Code did not take \"" +
                                                             bounded_text(wanted.*each.what, 128) +
                                                             "\": " + bounded_text(reply->error, 512));
            break;
        }
        taken.*each.what = wanted.*each.what;
    }
    const auto guard = co_await lock_.acquire();
    if (!guard || over_) co_return std::unexpected(ended_error());
    const turn_reducer before = reducer_;
    reduction changes;
    reducer_.on_updated(taken.title, taken.model, taken.permission_mode, session_services::now_ms(), changes);
    auto more = [id = row().id, effort = taken.effort](connection& c, std::int64_t) {
        if (!effort.empty()) save_effort(c, id, effort);
    };
    const auto stored = co_await commit(changes, std::move(more));
    if (!stored) {
        reducer_ = before;
        co_return std::unexpected(stored.error());
    }
    co_return outcome;
}

session_engine::task<void> session_engine::update(update_request request) {
    if (auto good = check(request); !good) co_return std::unexpected(good.error());
    const auto deadline = std::chrono::steady_clock::now() + services_.options.start_timeout;
    while (starting_.contains(request.session_id) && std::chrono::steady_clock::now() < deadline && !services_.stopping)
        co_await services_.changed.wait_until(deadline);
    if (const live_ptr live = find_live(request.session_id); live && live->accepts())
        co_return co_await live->update(std::move(request));
    if (starting_.contains(request.session_id) || find_live(request.session_id))
        co_return fail(error_code::session_busy, "The session is just starting or ending.", "Try again in a moment.");

    // None runs: what is stored now is what the next one is started with.
    const reservation place(*this, request.session_id, claim::note);
    auto row = std::make_shared<std::optional<events::session_row>>();
    auto memory = std::make_shared<std::string>();
    const auto looked = co_await services_.log.run([=, id = request.session_id](connection& c) {
        *row = events::find_session(c, id);
        *memory = find_memory(c, id);
    });
    if (!looked) co_return std::unexpected(looked.error());
    if (!*row)
        co_return fail(error_code::not_found,
                       "This machine has no session " + bounded_text(request.session_id, 64) + ".",
                       "list_sessions shows those that it has.");
    if ((*row)->status == events::session_status::live)
        co_return fail(error_code::session_busy, "The session runs, but its holder cannot be reached now.",
                       "Try again in a moment; get_health tells more.");
    turn_reducer reducer(std::move(**row), memory_from_json(*memory));
    reduction changes;
    reducer.on_updated(request.title, request.model, request.permission_mode, session_services::now_ms(), changes);
    events::batch batch;
    batch.events = changes.events;
    batch.also = [row = reducer.row(), memory = to_json(reducer.memory()), effort = request.effort](connection& c,
                                                                                                    std::int64_t) {
        events::save_session(c, row);
        save_memory(c, row.id, memory);
        if (!effort.empty()) save_effort(c, row.id, effort);
    };
    const auto stored = co_await services_.log.append(std::move(batch));
    if (!stored) co_return std::unexpected(stored.error());
    if (services_.on_row) services_.on_row(reducer.row());
    co_return proto::result<void>();
}

}  // namespace agent::session
