// poll_events over the machine's log.
#include <utility>

#include "agent/events/poll.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/history_session.hpp"
#include "agent/tools/session_json.hpp"
#include "proto/cursor.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

answer poll_events(const services& s, const call_context& c) {
    namespace limits = proto::limits;
    events::poll_request request;
    request.session_id = c.text("session_id");
    request.timeout = std::chrono::milliseconds(c.number("timeout_ms", limits::poll_wait_ms_default));
    request.limit = static_cast<int>(c.number("limit", limits::events_page_default));
    if (const auto text = c.text("cursor"); !text.empty()) {
        auto cursor = proto::decode_cursor(text);
        if (!cursor) co_return std::unexpected(std::move(cursor.error()));
        for (const auto& entry : cursor->entries)
            if (entry.machine_id == s.machine->id) request.from = events::position{entry.log_id, entry.seq, entry.live};
        if (!request.from)
            co_return proto::fail(proto::error_code::cursor_invalid, "The cursor is of another machine.",
                                  "Poll without a cursor to begin anew.");
    }
    if (!request.session_id.empty()) {
        auto known = co_await s.sessions->get(request.session_id);
        if (!known && known.error().code != proto::error_code::not_found) co_return std::unexpected(std::move(known.error()));
        // One that claude left on the disk has no events until somebody prompts it.
        if (!known) {
            auto found = co_await find_in_history(s, request.session_id);
            if (!found) co_return std::unexpected(std::move(found.error()));
        }
    }
    // Ephemeral events go to readers of one session only; a reader of all of them keeps its place.
    std::optional<std::int64_t> live;
    if (request.session_id.empty() && request.from) live = std::exchange(request.from->live, std::nullopt);
    auto read = co_await events::poll(*s.log, std::move(request));
    if (!read) co_return std::unexpected(std::move(read.error()));
    if (read->next.live) live = read->next.live;
    std::string out = R"({"events":)" + raw_array(read->events);
    out += R"(,"next_cursor":")" + cursor_at(s, read->next.seq, live.value_or(0)) + R"(","has_more":)";
    out += read->has_more ? "true}" : "false}";
    co_return out;
}

}  // namespace agent::tools
