// A new session that goes on from where another one is now; see engine.hpp.
#include <memory>
#include <utility>

#include "agent/claude/fork_point.hpp"
#include "agent/claude/start_options.hpp"
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

struct original {
    std::optional<events::session_row> row;
    std::string memory;
    start_options options;
    fork_origin origin;  // where it was itself forked, if it was
    bool new_id_known = false;
};

// Claude copies the conversation with the first turn. A fork without one has what it was forked from.
proto::result<fork_origin> place_in(const claude::variables& environment, const original& of) {
    const auto transcript = claude::find_transcript(environment, of.row->cwd, of.row->id);
    if (!transcript && !of.origin.session_id.empty()) return of.origin;
    const auto point = transcript ? claude::last_answer(*transcript) : std::nullopt;
    if (!point)
        return fail(error_code::invalid_argument, "Nothing was said in the session yet, so there is nothing to fork.",
                    "Create a new session.");
    return fork_origin{of.row->id, point->message, point->end_offset};
}

}  // namespace

session_engine::task<created> session_engine::fork(fork_request request, proto::principal who) {
    const std::string id = request.new_session_id.empty() ? random_uuid() : request.new_session_id;
    if (!is_uuid(id))
        co_return fail(error_code::invalid_argument, "The new session's id must be a UUID in lower case.");
    if (request.title.size() > proto::limits::title_bytes_max)
        co_return fail(error_code::invalid_argument, "title may have 120 bytes.");
    if (starting_.contains(id)) co_return std::unexpected(starting(id));
    const reservation place(*this, id, claim::create);

    const auto of = std::make_shared<original>();
    const auto looked = co_await services_.log.run([of, from = request.session_id, id](connection& c) {
        of->row = events::find_session(c, from);
        of->memory = find_memory(c, from);
        of->options = find_options(c, from);
        of->origin = find_origin(c, from);
        of->new_id_known = events::find_session(c, id).has_value();
    });
    if (!looked) co_return std::unexpected(looked.error());
    if (!of->row || hidden(request.session_id))
        co_return fail(error_code::not_found,
                       "This machine has no session " + bounded_text(request.session_id, 64) + ".",
                       "list_sessions shows those that it has.");
    const auto& environment = services_.options.environment;
    if (of->new_id_known || claude::find_transcript(environment, of->row->cwd, id))
        co_return fail(error_code::session_busy, "There is a session " + id + " on this machine already.",
                       "Use another id.");
    if (!claude::keeps_transcript(json::parse(of->options.values, nullptr, false)))
        co_return fail(error_code::invalid_argument,
                       "The session was made with persist_session false: there is nothing to fork.",
                       "Create a new session.");
    if (const live_ptr live = find_live(request.session_id); live && live->busy())
        co_return fail(error_code::session_busy, "The session is in the middle of a turn.",
                       "Fork it when the turn is over, or abort the turn.");
    auto origin = place_in(environment, *of);
    if (!origin) co_return std::unexpected(std::move(origin.error()));

    const turn_memory theirs = memory_from_json(of->memory);
    events::session_row row;
    row.id = id;
    row.cwd = of->row->cwd;
    row.slug = of->row->slug;
    row.title = request.title.empty() ? of->row->title : request.title;
    row.model = theirs.asked_model;
    row.permission_mode = theirs.asked_mode;
    row.include_partial = of->row->include_partial;
    row.created_at = row.updated_at = session_services::now_ms();
    row.created_by = who.key();
    row.depth = request.depth;
    row.transcript_base_offset = origin->end_offset;
    turn_memory memory;
    memory.asked_model = theirs.asked_model;
    memory.asked_mode = theirs.asked_mode;
    memory.expiry_s = theirs.expiry_s;
    const auto kept = co_await services_.log.run([id, options = of->options, origin = *origin](connection& c) {
        if (options.values != "{}") save_options(c, id, options);
        save_origin(c, id, origin);
    });
    if (!kept) co_return std::unexpected(kept.error());
    created out;
    out.session_id = id;
    out.cwd = row.cwd;
    bool room = false;
    if (waiting_.empty()) room = co_await make_room();
    if (!room) {
        const auto at = co_await announce_idle(std::move(row), std::move(memory));
        if (!at) {
            std::ignore = co_await services_.log.run([id](connection& c) { remove_options(c, id); });
            co_return std::unexpected(at.error());
        }
        out.cursor = *at;
        co_return out;
    }
    const auto live = co_await launch(std::move(row), std::move(memory), request.depth);
    if (!live) {
        std::ignore = co_await services_.log.run([id](connection& c) { remove_options(c, id); });
        co_return std::unexpected(live.error());
    }
    const auto cursor = co_await (*live)->announce();
    if (!cursor) co_return std::unexpected(cursor.error());
    out.cursor = *cursor;
    co_return out;
}

}  // namespace agent::session
