// The tools for one session: get_session, abort_session, dispose_session.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "agent/events/conversation.hpp"
#include "agent/history/projects.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/history_session.hpp"
#include "agent/tools/session_json.hpp"
#include "agent/tools/session_match.hpp"
#include "agent/tools/session_worktree.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using nlohmann::json;
using proto::error_code;

namespace {

// At most `limit` of its newest messages, which may be none: those that the log has, and before them those of its
// transcript from before it was ours, or of the session that it was forked from.
asio::awaitable<proto::result<events::conversation>> conversation_of(const services& s, session::summary of,
                                                                     std::string older_in, std::size_t limit) {
    events::conversation_limit most;
    most.messages = std::max<std::size_t>(1, limit);
    auto read = co_await events::read_conversation(*s.log, of.id, most);
    if (!read) co_return read;
    if (limit == 0) {
        const bool some = !std::exchange(read->messages, {}).empty();
        read->truncated = some || of.transcript_base > 0;
    }
    if (limit == 0 || of.transcript_base == 0 || read->truncated) co_return read;
    most.messages = limit - std::min(limit, read->messages.size());
    auto older = co_await read_history(s, older_in, most, of.transcript_base);
    if (!older) {  // somebody removed the transcript
        read->truncated = true;
        co_return read;
    }
    older->messages.insert(older->messages.end(), std::make_move_iterator(read->messages.begin()),
                           std::make_move_iterator(read->messages.end()));
    co_return older;
}

// Has the session begun a turn after that time?
asio::awaitable<proto::result<bool>> turn_began_since(const services& s, std::string session_id, std::int64_t time_ms) {
    auto start = co_await s.log->turn_start(std::move(session_id));
    if (!start) co_return std::unexpected(std::move(start.error()));
    auto before = co_await s.log->seq_before(time_ms + 1);
    if (!before) co_return std::unexpected(std::move(before.error()));
    co_return *start && **start >= *before;
}

}  // namespace

answer get_session(const services& s, const call_context& c) {
    const auto id = c.text("session_id");
    const auto limit = static_cast<std::size_t>(c.number("limit", 200));
    // Taken before the reading: what happens meanwhile is seen again by a poll, never missed.
    const std::int64_t seq = s.log->last_seq();
    auto known = co_await s.sessions->get(id);
    if (!known && known.error().code != error_code::not_found) co_return std::unexpected(std::move(known.error()));

    json head;
    std::vector<std::string> messages;
    bool truncated = false;
    if (known) {
        if (auto e = check_slug(c, known->session.slug, known->session.cwd)) co_return std::unexpected(std::move(*e));
        const auto& older_in = known->forked_from.empty() ? id : known->forked_from;
        auto read = co_await conversation_of(s, known->session, older_in, limit);
        if (!read) co_return std::unexpected(std::move(read.error()));
        head["session"] = session_json(known->session, *s.machine);
        if (!known->forked_from.empty()) head["session"]["forkedFrom"] = known->forked_from;
        head["session"]["pendingPermissions"] = known->pending.size();
        if (known->now) head["session"]["activity"] = activity_json(*known->now);
        head["pending_permissions"] = permissions_json(known->pending);
        head["grants"] = grants_json(known->grants);
        messages = std::move(read->messages);
        truncated = read->truncated;
    } else {
        auto found = co_await find_in_history(s, id);
        if (!found) co_return std::unexpected(std::move(found.error()));
        if (auto e = check_slug(c, found->slug, found->cwd)) co_return std::unexpected(std::move(*e));
        events::conversation_limit most;
        most.messages = limit;
        auto read = co_await read_history(s, id, most, -1);
        if (!read) co_return std::unexpected(std::move(read.error()));
        head["session"] = session_json(*found, *s.machine);
        if (s.sessions->is_opened_elsewhere(id)) head["session"]["status"] = "mirror";
        head["pending_permissions"] = json::array();
        messages = std::move(read->messages);
        truncated = read->truncated;
    }
    head["truncated"] = truncated;
    head["cursor"] = cursor_at(s, seq);
    std::string out = dump(head);
    out.back() = ',';
    co_return out + R"("messages":)" + raw_array(messages) + "}";
}

answer abort_session(const services& s, const call_context& c) {
    const auto id = c.text("session_id");
    if (c.journal.begun_at) {
        auto later = co_await turn_began_since(s, id, *c.journal.begun_at);
        if (!later) co_return std::unexpected(std::move(later.error()));
        // The turn that was meant is over; this one is nobody's to end.
        if (*later) co_return std::string(R"({"ok":true})");
    }
    auto done = co_await s.sessions->abort(id);
    if (!done && done.error().code == error_code::not_found) {
        auto found = co_await find_in_history(s, id);
        if (found) done = session::aborted();
    }
    if (!done) co_return std::unexpected(std::move(done.error()));
    co_return dump(json{{"ok", true}, {"was_running", done->was_running}});
}

answer dispose_session(const services& s, const call_context& c) {
    const auto id = c.text("session_id");
    if (c.journal.begun_at) {
        auto later = co_await turn_began_since(s, id, *c.journal.begun_at);
        if (!later) co_return std::unexpected(std::move(later.error()));
        if (*later) co_return std::string(R"({"ok":true})");
    }
    auto done = co_await s.sessions->dispose(id);
    if (!done && done.error().code == error_code::not_found) {
        auto found = co_await find_in_history(s, id);
        if (found) done = {};
    }
    if (!done) co_return std::unexpected(std::move(done.error()));
    if (!c.arguments.value("remove_worktree", false)) co_return std::string(R"({"ok":true})");
    const auto known = co_await s.sessions->get(id);
    if (!known) co_return std::string(R"({"ok":true})");  // one that CodeZ never ran has none
    auto tree = co_await remove_worktree(s, id, known->session.cwd);
    if (!tree) co_return std::unexpected(std::move(tree.error()));
    json out{{"ok", true}};
    if (!tree->empty()) out["worktree"] = *tree;
    co_return dump(out);
}

}  // namespace agent::tools
