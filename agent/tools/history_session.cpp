#include "agent/tools/history_session.hpp"

#include <utility>

#include <fmt/format.h>

#include "agent/claude/registry.hpp"
#include "agent/history/transcript.hpp"
#include "agent/tools/session_base.hpp"
#include "agent/tools/session_match.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using proto::error_code;

namespace {

// Enough to hold the last lines of a transcript, of which only the end is wanted.
constexpr std::int64_t tail_bytes = 1 << 20;

std::unexpected<proto::error> busy() {
    return proto::fail(error_code::resource_exhausted, "The machine is busy.", "Try again in a moment.");
}

proto::result<history::transcript> read_file(const std::filesystem::path& config, const std::string& id,
                                             const history::transcript_limit& limit) {
    auto found = history::find_session(config, "", id);
    if (!found) return std::unexpected(std::move(found.error()));
    return history::read_transcript(history::transcript_path(config, found->slug, id), id, limit);
}

}  // namespace

asio::awaitable<proto::result<history::session>> find_in_history(const services& s, std::string session_id) {
    auto found = co_await s.pool->run(
        [config = s.claude_config, session_id] { return history::find_session(config, "", session_id); });
    if (!found) co_return busy();
    if (!*found || !s.rules->opens((*found)->cwd))
        co_return proto::fail(error_code::not_found, fmt::format("There is no session {} on this machine.", session_id),
                              "list_sessions tells the sessions.");
    co_return std::move(**found);
}

asio::awaitable<proto::result<events::conversation>> read_history(const services& s, std::string session_id,
                                                                  events::conversation_limit limit, std::int64_t end) {
    history::transcript_limit most;
    most.messages = std::max<std::size_t>(1, limit.messages);
    most.bytes = limit.bytes;
    most.end_offset = end;
    auto read = co_await s.pool->run(
        [config = s.claude_config, session_id, most] { return read_file(config, session_id, most); });
    if (!read) co_return busy();
    if (!*read) co_return std::unexpected(std::move(read->error()));
    events::conversation out{std::move((*read)->messages), (*read)->truncated};
    if (limit.messages == 0) out.truncated = !std::exchange(out.messages, {}).empty();
    co_return out;
}

asio::awaitable<proto::result<void>> check_unused(const services& s, std::string session_id) {
    auto running = co_await s.pool->run(
        [config = s.claude_config, session_id] { return claude::find_running(config, session_id); });
    if (!running) co_return busy();
    if (!*running) co_return proto::result<void>();
    co_return proto::fail(
        error_code::session_busy,
        fmt::format("{} (process {}) has this session open on the machine.",
                    (*running)->interactive ? "Somebody's terminal" : "Another claude", (*running)->pid),
        "End it there first; the session can then be resumed from here.");
}

asio::awaitable<proto::result<void>> adopt(const services& s, const call_context& c, std::string session_id) {
    auto found = co_await find_in_history(s, session_id);
    if (!found) co_return std::unexpected(std::move(found.error()));
    if (auto e = check_slug(c, found->slug, found->cwd)) co_return std::unexpected(std::move(*e));
    auto directory = s.rules->check_directory(found->cwd);
    if (!directory) co_return std::unexpected(std::move(directory.error()));
    auto mode = s.rules->check_permission_mode({});
    if (!mode) co_return std::unexpected(std::move(mode.error()));
    auto unused = co_await check_unused(s, session_id);
    if (!unused) co_return std::unexpected(std::move(unused.error()));

    history::transcript_limit tail;
    tail.messages = 1;
    tail.file_bytes = tail_bytes;
    auto read = co_await s.pool->run(
        [config = s.claude_config, session_id, tail] { return read_file(config, session_id, tail); });
    if (!read) co_return busy();
    if (!*read) co_return std::unexpected(std::move(read->error()));

    session::adoption what;
    what.session_id = session_id;
    what.cwd = directory->string();
    what.title = found->title;
    what.permission_mode = *mode;
    what.created_at_ms = found->created_at;
    what.last_message_at_ms = found->last_message_at;
    what.transcript_end = (*read)->end_offset;
    what.depth = c.depth;
    const std::string cwd = what.cwd;
    auto adopted = co_await s.sessions->adopt_session(std::move(what), c.who);
    if (adopted) co_await record_base(s, session_id, cwd);
    co_return adopted;
}

}  // namespace agent::tools
