#include "agent/events/prompt_rows.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace agent::events {

namespace {

using common::db::connection;

constexpr std::array<std::string_view, 8> state_names{"accepted",  "sent",      "queued",  "started",
                                                      "completed", "cancelled", "unknown", "rejected"};

constexpr std::string_view select =
    "SELECT uuid, session_id, text, state, principal, idempotency_key, via, cursor_seq, outcome, created_at, updated_at "
    "FROM prompts ";

prompt_row read_row(const common::db::row& r) {
    prompt_row p;
    p.uuid = r.text("uuid");
    p.session_id = r.text("session_id");
    p.text = r.text("text");
    const auto* name = std::ranges::find(state_names, r.text("state"));
    if (name == state_names.end()) throw std::logic_error("log.db has a prompt with an unknown state");
    p.state = static_cast<prompt_state>(name - state_names.begin());
    p.principal = r.text("principal");
    p.idempotency_key = r.text("idempotency_key");
    p.via = r.text("via");
    p.cursor = r.integer("cursor_seq");
    p.outcome = r.text("outcome");
    p.created_at = r.integer("created_at");
    p.updated_at = r.integer("updated_at");
    return p;
}

std::optional<prompt_row> first(const std::vector<common::db::row>& rows) {
    if (rows.empty()) return std::nullopt;
    return read_row(rows.front());
}

}  // namespace

std::string_view to_string(prompt_state state) { return state_names.at(static_cast<std::size_t>(state)); }

bool insert_prompt(connection& c, const prompt_row& p) {
    return c.execute(
               "INSERT INTO prompts (uuid, session_id, text, state, principal, idempotency_key, via, cursor_seq, "
               "outcome, created_at, updated_at) VALUES (CAST(:uuid AS TEXT), CAST(:session AS TEXT), "
               "CAST(:text AS TEXT), CAST(:state AS TEXT), CAST(:principal AS TEXT), CAST(:key AS TEXT), "
               "CAST(:via AS TEXT), CAST(:cursor AS INTEGER), CAST(:outcome AS TEXT), "
               "CAST(:created AS INTEGER), CAST(:updated AS INTEGER)) ON CONFLICT (uuid) DO NOTHING",
               {{"uuid", p.uuid},
                {"session", p.session_id},
                {"text", p.text},
                {"state", std::string(to_string(p.state))},
                {"principal", p.principal},
                {"key", p.idempotency_key},
                {"via", p.via},
                {"cursor", p.cursor},
                {"outcome", p.outcome},
                {"created", p.created_at},
                {"updated", p.updated_at}}) > 0;
}

bool set_prompt_state(connection& c, std::string_view uuid, prompt_state state, std::int64_t now_ms) {
    return c.execute(
               "UPDATE prompts SET state = CAST(:state AS TEXT), updated_at = CAST(:now AS INTEGER) "
               "WHERE uuid = CAST(:uuid AS TEXT)",
               {{"uuid", std::string(uuid)}, {"state", std::string(to_string(state))}, {"now", now_ms}}) > 0;
}

bool end_prompt(connection& c, std::string_view uuid, prompt_state state, std::string_view outcome,
                std::int64_t now_ms) {
    return c.execute(
               "UPDATE prompts SET state = CAST(:state AS TEXT), outcome = CAST(:outcome AS TEXT), "
               "updated_at = CAST(:now AS INTEGER) WHERE uuid = CAST(:uuid AS TEXT)",
               {{"uuid", std::string(uuid)},
                {"state", std::string(to_string(state))},
                {"outcome", std::string(outcome)},
                {"now", now_ms}}) > 0;
}

std::optional<prompt_row> find_prompt(connection& c, std::string_view uuid) {
    return first(c.query(std::string(select) + "WHERE uuid = CAST(:uuid AS TEXT)", {{"uuid", std::string(uuid)}}));
}

std::vector<prompt_row> open_prompts(connection& c, std::string_view session_id) {
    std::vector<prompt_row> out;
    for (const auto& r :
         c.query(std::string(select) + "WHERE session_id = CAST(:session AS TEXT) AND state IN "
                                       "('accepted', 'sent', 'queued', 'started') ORDER BY id LIMIT 1000",
                 {{"session", std::string(session_id)}}))
        out.push_back(read_row(r));
    return out;
}

std::optional<prompt_row> find_open_prompt(connection& c, std::string_view session_id, std::string_view principal,
                                           std::string_view text) {
    return first(c.query(
        std::string(select) + "WHERE session_id = CAST(:session AS TEXT) AND state IN "
                              "('accepted', 'sent', 'queued', 'started') AND "
                              "principal = CAST(:principal AS TEXT) AND text = CAST(:text AS TEXT) "
                              "ORDER BY id DESC LIMIT 1",
        {{"session", std::string(session_id)}, {"principal", std::string(principal)}, {"text", std::string(text)}}));
}

std::optional<prompt_row> last_prompt(connection& c, std::string_view session_id) {
    return first(c.query(std::string(select) + "WHERE session_id = CAST(:session AS TEXT) ORDER BY id DESC LIMIT 1",
                         {{"session", std::string(session_id)}}));
}

}  // namespace agent::events
