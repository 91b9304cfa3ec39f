// Taking over a session that Claude Code left on the disk; see engine.hpp.
#include <memory>
#include <utility>

#include "agent/claude/launch.hpp"
#include "agent/claude/transcript.hpp"
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

events::session_row row_of(const adoption& what, const proto::principal& who) {
    events::session_row row;
    row.id = what.session_id;
    row.cwd = what.cwd;
    row.slug = claude::project_slug(what.cwd);
    row.title = bounded_text(what.title, proto::limits::title_bytes_max);
    row.permission_mode = what.permission_mode;
    row.created_at = what.created_at_ms;
    row.updated_at = session_services::now_ms();
    if (what.last_message_at_ms > 0) row.last_message_at = what.last_message_at_ms;
    row.created_by = who.key();
    row.depth = what.depth;
    row.transcript_base_offset = what.transcript_end;
    return row;
}

}  // namespace

session_engine::task<void> session_engine::adopt_session(adoption what, proto::principal who) {
    if (!is_uuid(what.session_id) || what.cwd.empty() || what.cwd.front() != '/')
        co_return fail(error_code::invalid_argument,
                       "A session to adopt needs a UUID in lower case and an absolute cwd.");
    if (!claude::is_permission_mode(what.permission_mode) || what.permission_mode == "bypassPermissions")
        co_return fail(error_code::invalid_argument,
                       "A session to adopt needs a permission mode that is open to calls.");
    // Several may want it at once: one takes it over, the others find it.
    const auto deadline = std::chrono::steady_clock::now() + services_.options.start_timeout;
    while (starting_.contains(what.session_id) && std::chrono::steady_clock::now() < deadline && !services_.stopping)
        co_await services_.changed.wait_until(deadline);
    if (starting_.contains(what.session_id))
        co_return fail(error_code::session_busy, "Session " + what.session_id + " is just being started.",
                       "Try again in a moment.");
    const reservation place(*this, what.session_id, claim::note);

    const auto known = std::make_shared<bool>(false);
    const auto looked = co_await services_.log.run(
        [known, id = what.session_id](connection& c) { *known = events::find_session(c, id).has_value(); });
    if (!looked) co_return std::unexpected(looked.error());
    if (*known) co_return proto::result<void>();

    const auto row = std::make_shared<events::session_row>(row_of(what, who));
    turn_memory memory;
    memory.announced = true;
    memory.asked_mode = what.permission_mode;
    events::batch batch;
    batch.events.push_back(make_event(row->id, "session.created", {{"session", session_json(*row)}}));
    batch.also = [row, memory = to_json(memory)](connection& c, std::int64_t) {
        events::save_session(c, *row);
        save_memory(c, row->id, memory);
    };
    const auto stored = co_await services_.log.append(std::move(batch));
    if (!stored) co_return std::unexpected(stored.error());
    if (services_.on_row) services_.on_row(*row);
    co_return proto::result<void>();
}

}  // namespace agent::session
