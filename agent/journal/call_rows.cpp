#include "agent/journal/call_rows.hpp"

namespace agent::journal {

using common::db::connection;
using common::db::value;

namespace {

constexpr std::string_view select =
    "SELECT id, principal, tool, idempotency_key, arguments_hash, subject, result, begun_at FROM calls ";

call_row read_row(const common::db::row& r) {
    call_row row;
    row.id = r.integer("id");
    row.what.principal = r.text("principal");
    row.what.tool = r.text("tool");
    row.what.idempotency_key = r.maybe_text("idempotency_key").value_or("");
    row.what.arguments_hash = r.text("arguments_hash");
    row.subject = r.text("subject");
    row.result = r.maybe_text("result");
    row.begun_at = r.integer("begun_at");
    return row;
}

}  // namespace

std::optional<call_row> find_call(connection& c, const std::string& principal, const std::string& key) {
    const auto rows = c.query(std::string(select) +
                                  "WHERE principal = CAST(:principal AS TEXT) AND "
                                  "idempotency_key = CAST(:key AS TEXT)",
                              {{"principal", principal}, {"key", key}});
    if (rows.empty()) return std::nullopt;
    return read_row(rows.front());
}

std::int64_t insert_call(connection& c, const call& what, std::int64_t now_ms) {
    const auto rows = c.query(
        "INSERT INTO calls (principal, tool, idempotency_key, arguments_hash, subject, begun_at) VALUES "
        "(CAST(:principal AS TEXT), CAST(:tool AS TEXT), CAST(:key AS TEXT), CAST(:hash AS TEXT), '', "
        "CAST(:now AS INTEGER)) RETURNING id",
        {{"principal", what.principal},
         {"tool", what.tool},
         {"key", what.idempotency_key.empty() ? value() : value(what.idempotency_key)},  // NULLs are never the same
         {"hash", what.arguments_hash},
         {"now", now_ms}});
    return rows.front().integer("id");
}

void finish_call(connection& c, std::int64_t id, const std::string& result, std::int64_t now_ms) {
    c.execute(
        "UPDATE calls SET result = CAST(:result AS TEXT), finished_at = CAST(:now AS INTEGER) "
        "WHERE id = CAST(:id AS INTEGER) AND result IS NULL",
        {{"id", id}, {"result", result}, {"now", now_ms}});
}

void remove_call(connection& c, std::int64_t id) {
    c.execute("DELETE FROM calls WHERE id = CAST(:id AS INTEGER)", {{"id", id}});
}

std::vector<call_row> unfinished_calls(connection& c) {
    std::vector<call_row> out;
    for (const auto& r : c.query(std::string(select) + "WHERE result IS NULL ORDER BY id LIMIT 10000"))
        out.push_back(read_row(r));
    return out;
}

bool is_latest(connection& c, std::int64_t call_id) {
    const auto newest = c.query("SELECT COALESCE(MAX(id), 0) AS id FROM calls").front().integer("id");
    return call_id > newest - latest_calls;
}

void expire_calls(connection& c, std::int64_t begun_before_ms, std::int64_t keep) {
    c.execute(
        "DELETE FROM calls WHERE begun_at < CAST(:before AS INTEGER) "
        "AND id <= (SELECT MAX(id) FROM calls) - CAST(:latest AS INTEGER)",
        {{"before", begun_before_ms}, {"latest", latest_calls}});
    c.execute("DELETE FROM calls WHERE id <= (SELECT MAX(id) FROM calls) - CAST(:keep AS INTEGER)", {{"keep", keep}});
}

void set_subject(connection& c, std::int64_t call_id, std::string_view subject) {
    c.execute("UPDATE calls SET subject = CAST(:subject AS TEXT) WHERE id = CAST(:id AS INTEGER)",
              {{"id", call_id}, {"subject", std::string(subject)}});
}

}  // namespace agent::journal
