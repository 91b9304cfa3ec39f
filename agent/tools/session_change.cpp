// The tools that change a session or go on from it: update_session, fork_session, rewind_session.
#include <utility>

#include "agent/tools/derived_id.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/made_session.hpp"
#include "agent/tools/open_session.hpp"
#include "agent/tools/permission_answers.hpp"
#include "agent/tools/session_base.hpp"
#include "agent/tools/session_json.hpp"

namespace agent::tools {

using nlohmann::json;
using proto::error_code;

answer fork_session(const services& s, const call_context& c) {
    session::fork_request wanted;
    wanted.session_id = c.text("session_id");
    wanted.title = c.text("title");
    wanted.new_session_id = id_from_key(c.who, "fork/" + wanted.session_id, c.text("idempotency_key"));
    wanted.depth = c.depth;
    const auto answer_with = [&](const session::created& made) {
        json out = made_json(s, made);
        out["forkedFrom"] = c.text("session_id");
        return dump(out);
    };
    auto known = co_await open_session(s, c);
    if (!known) co_return std::unexpected(std::move(known.error()));
    if (!wanted.new_session_id.empty()) {
        auto before = co_await made_before(s, wanted.new_session_id);
        if (!before) co_return std::unexpected(std::move(before.error()));
        if (*before) co_return answer_with(**before);
    }
    auto made = co_await s.sessions->fork(std::move(wanted), c.who);
    if (!made) co_return std::unexpected(std::move(made.error()));
    c.journal.made_session = made->session_id;
    co_await record_base(s, made->session_id, made->cwd);
    co_return answer_with(*made);
}

answer update_session(const services& s, const call_context& c) {
    session::update_request wanted;
    wanted.session_id = c.text("session_id");
    wanted.title = c.text("title");
    wanted.model = c.text("model");
    wanted.effort = c.text("effort");
    if (const auto mode = c.text("permission_mode"); !mode.empty()) {
        if (auto open = may_answer_permissions(s, c); !open) co_return std::unexpected(std::move(open.error()));
        auto allowed = s.rules->check_permission_mode(mode);
        if (!allowed) co_return std::unexpected(std::move(allowed.error()));
        wanted.permission_mode = *allowed;
    }
    auto known = co_await open_session(s, c);
    if (!known) co_return std::unexpected(std::move(known.error()));
    auto done = co_await s.sessions->update(wanted);
    if (!done) co_return std::unexpected(std::move(done.error()));
    auto now = co_await s.sessions->get(wanted.session_id);
    if (!now) co_return std::unexpected(std::move(now.error()));
    co_return dump(json{{"ok", true}, {"session", session_json(now->session, *s.machine)}});
}

answer rewind_session(const services& s, const call_context& c) {
    session::rewind_request wanted;
    wanted.session_id = c.text("session_id");
    wanted.prompt_uuid = c.text("prompt_id");
    wanted.dry_run = c.arguments.value("dry_run", false);
    wanted.depth = c.depth;
    // Files are written without a permission request.
    if (!wanted.dry_run)
        if (auto open = may_answer_permissions(s, c); !open) co_return std::unexpected(std::move(open.error()));
    auto known = co_await open_session(s, c);
    if (!known) co_return std::unexpected(std::move(known.error()));
    auto done = co_await s.sessions->rewind(std::move(wanted));
    if (!done) co_return std::unexpected(std::move(done.error()));
    co_return dump(
        json{{"ok", true}, {"files", done->files}, {"insertions", done->insertions}, {"deletions", done->deletions}});
}

}  // namespace agent::tools
