#include "agent/session/engine_rows.hpp"

#include <nlohmann/json.hpp>

namespace agent::session {

using common::db::connection;

void make_engine_tables(connection& c) {
    c.execute("CREATE TABLE IF NOT EXISTS session_memories (session_id TEXT PRIMARY KEY, memory TEXT NOT NULL)");
    c.execute(
        "CREATE TABLE IF NOT EXISTS permission_answers (session_id TEXT NOT NULL, request_id TEXT NOT NULL, "
        "line TEXT NOT NULL, PRIMARY KEY (session_id, request_id))");
    c.execute(
        "CREATE TABLE IF NOT EXISTS session_options (session_id TEXT PRIMARY KEY, options TEXT NOT NULL, "
        "from_afar INTEGER NOT NULL)");
    c.execute(
        "CREATE TABLE IF NOT EXISTS session_origins (session_id TEXT PRIMARY KEY, origin TEXT NOT NULL, "
        "message TEXT NOT NULL, end_offset INTEGER NOT NULL)");
    c.execute("CREATE INDEX IF NOT EXISTS prompts_accepted ON prompts (session_id) WHERE state = 'accepted'");
}

void save_memory(connection& c, std::string_view session_id, std::string_view memory) {
    c.execute(
        "INSERT INTO session_memories (session_id, memory) VALUES (CAST(:id AS TEXT), CAST(:memory AS TEXT)) "
        "ON CONFLICT (session_id) DO UPDATE SET memory = excluded.memory",
        {{"id", std::string(session_id)}, {"memory", std::string(memory)}});
}

std::string find_memory(connection& c, std::string_view session_id) {
    const auto rows = c.query("SELECT memory FROM session_memories WHERE session_id = CAST(:id AS TEXT)",
                              {{"id", std::string(session_id)}});
    return rows.empty() ? std::string() : rows.front().text("memory");
}

void save_answer_line(connection& c, std::string_view session_id, std::string_view request_id, std::string_view line) {
    c.execute(
        "INSERT INTO permission_answers (session_id, request_id, line) VALUES (CAST(:id AS TEXT), "
        "CAST(:request AS TEXT), CAST(:line AS TEXT)) "
        "ON CONFLICT (session_id, request_id) DO UPDATE SET line = excluded.line",
        {{"id", std::string(session_id)}, {"request", std::string(request_id)}, {"line", std::string(line)}});
}

std::optional<std::string> find_answer_line(connection& c, std::string_view session_id, std::string_view request_id) {
    const auto rows = c.query(
        "SELECT line FROM permission_answers WHERE session_id = CAST(:id AS TEXT) "
        "AND request_id = CAST(:request AS TEXT)",
        {{"id", std::string(session_id)}, {"request", std::string(request_id)}});
    if (rows.empty()) return std::nullopt;
    return rows.front().text("line");
}

void save_options(connection& c, std::string_view session_id, const start_options& options) {
    c.execute(
        "INSERT INTO session_options (session_id, options, from_afar) VALUES (CAST(:id AS TEXT), "
        "CAST(:options AS TEXT), CAST(:afar AS INTEGER)) "
        "ON CONFLICT (session_id) DO UPDATE SET options = excluded.options, from_afar = excluded.from_afar",
        {{"id", std::string(session_id)}, {"options", options.values}, {"afar", std::int64_t{options.from_afar}}});
}

start_options find_options(connection& c, std::string_view session_id) {
    const auto rows = c.query("SELECT options, from_afar FROM session_options WHERE session_id = CAST(:id AS TEXT)",
                              {{"id", std::string(session_id)}});
    if (rows.empty()) return {};
    return {rows.front().text("options"), rows.front().integer("from_afar") != 0};
}

void save_effort(connection& c, std::string_view session_id, std::string_view effort) {
    start_options options = find_options(c, session_id);
    auto values = nlohmann::json::parse(options.values, nullptr, false);
    values["effort"] = effort;
    options.values = values.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    save_options(c, session_id, options);
}

void save_origin(connection& c, std::string_view session_id, const fork_origin& origin) {
    c.execute(
        "INSERT INTO session_origins (session_id, origin, message, end_offset) VALUES (CAST(:id AS TEXT), "
        "CAST(:origin AS TEXT), CAST(:message AS TEXT), CAST(:end AS INTEGER))",
        {{"id", std::string(session_id)},
         {"origin", origin.session_id},
         {"message", origin.message},
         {"end", origin.end_offset}});
}

fork_origin find_origin(connection& c, std::string_view session_id) {
    const auto rows =
        c.query("SELECT origin, message, end_offset FROM session_origins WHERE session_id = CAST(:id AS TEXT)",
                {{"id", std::string(session_id)}});
    if (rows.empty()) return {};
    return {rows.front().text("origin"), rows.front().text("message"), rows.front().integer("end_offset")};
}

void remove_options(connection& c, std::string_view session_id) {
    c.execute("DELETE FROM session_origins WHERE session_id = CAST(:id AS TEXT)", {{"id", std::string(session_id)}});
    c.execute("DELETE FROM session_options WHERE session_id = CAST(:id AS TEXT)", {{"id", std::string(session_id)}});
}

std::vector<std::string> sessions_in_line(connection& c) {
    std::vector<std::string> out;
    // What is accepted while no process is there was given to none: the end of a process settles all that it had.
    for (const auto& row : c.query("SELECT prompts.session_id AS id, MIN(prompts.id) AS first FROM prompts "
                                   "JOIN sessions ON sessions.id = prompts.session_id "
                                   "WHERE prompts.state = 'accepted' AND sessions.status = 'idle' "
                                   "GROUP BY prompts.session_id ORDER BY first"))
        out.push_back(row.text("id"));
    return out;
}

void remove_session(connection& c, std::string_view session_id) {
    c.execute("DELETE FROM session_memories WHERE session_id = CAST(:id AS TEXT)", {{"id", std::string(session_id)}});
    c.execute("DELETE FROM permission_answers WHERE session_id = CAST(:id AS TEXT)", {{"id", std::string(session_id)}});
    remove_options(c, session_id);
    c.execute("DELETE FROM sessions WHERE id = CAST(:id AS TEXT)", {{"id", std::string(session_id)}});
}

}  // namespace agent::session
