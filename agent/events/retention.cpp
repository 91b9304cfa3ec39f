#include "agent/events/retention.hpp"

namespace agent::events {

using common::db::connection;

namespace {

// 2020-01-01: a machine without a clock of its own begins in 1970.
constexpr std::int64_t plausible_ms = 1'577'836'800'000;

}  // namespace

std::optional<std::string> oldest_forgettable(connection& c, std::int64_t now_ms, std::int64_t keep_ms) {
    const auto rows = c.query(
        "SELECT id FROM sessions WHERE status = 'idle' AND updated_at >= CAST(:plausible AS INTEGER) "
        "AND updated_at < MIN(CAST(:now AS INTEGER), (SELECT MAX(updated_at) FROM sessions)) - CAST(:keep AS INTEGER) "
        "AND id <> COALESCE((SELECT session_id FROM events ORDER BY seq DESC LIMIT 1), '') "
        "AND NOT EXISTS (SELECT 1 FROM prompts WHERE prompts.session_id = sessions.id AND prompts.state = 'accepted') "
        "ORDER BY updated_at, id LIMIT 1",
        {{"plausible", plausible_ms}, {"now", now_ms}, {"keep", keep_ms}});
    if (rows.empty()) return std::nullopt;
    return rows.front().text("id");
}

void forget_session(connection& c, std::string_view session_id) {
    for (const char* sql : {"DELETE FROM events WHERE session_id = CAST(:id AS TEXT)",
                            "DELETE FROM prompts WHERE session_id = CAST(:id AS TEXT)",
                            "DELETE FROM permissions WHERE session_id = CAST(:id AS TEXT)",
                            "DELETE FROM sessions WHERE id = CAST(:id AS TEXT)"})
        c.execute(sql, {{"id", std::string(session_id)}});
}

}  // namespace agent::events
