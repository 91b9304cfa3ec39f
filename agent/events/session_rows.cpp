#include "agent/events/session_rows.hpp"

#include <array>
#include <stdexcept>

namespace agent::events {

namespace {

using common::db::connection;
using common::db::parameters;
using common::db::value;

constexpr std::array<std::string_view, 4> status_names{"live", "idle", "ended", "mirror"};
constexpr std::array<std::string_view, 4> state_names{"running", "requires_action", "idle", "interrupted"};

template <class E, std::size_t N>
E named(const std::array<std::string_view, N>& names, std::string_view text) {
    for (std::size_t i = 0; i < N; ++i)
        if (names[i] == text) return static_cast<E>(i);
    throw std::logic_error("log.db has a session with the unknown status or state " + std::string(text));
}

constexpr std::string_view columns =
    "id, slug, cwd, title, model, permission_mode, include_partial, created_at, updated_at, last_message_at, status, "
    "state, spool_offset, holder_directory, created_by, depth, metadata, last_result, transcript_base_offset";

session_row read_row(const common::db::row& r) {
    session_row s;
    s.id = r.text("id");
    s.slug = r.text("slug");
    s.cwd = r.text("cwd");
    s.title = r.text("title");
    s.model = r.text("model");
    s.permission_mode = r.text("permission_mode");
    s.include_partial = r.integer("include_partial") != 0;
    s.created_at = r.integer("created_at");
    s.updated_at = r.integer("updated_at");
    s.last_message_at = r.maybe_integer("last_message_at");
    s.status = named<session_status>(status_names, r.text("status"));
    s.state = named<session_state>(state_names, r.text("state"));
    s.spool_offset = r.integer("spool_offset");
    s.holder_directory = r.text("holder_directory");
    s.created_by = r.text("created_by");
    s.depth = r.integer("depth");
    s.metadata = r.text("metadata");
    s.last_result = r.text("last_result");
    s.transcript_base_offset = r.integer("transcript_base_offset");
    return s;
}

bool set_text(connection& c, std::string_view sql, std::string_view id, std::string_view text, std::int64_t now_ms) {
    return c.execute(sql, {{"id", std::string(id)}, {"text", std::string(text)}, {"now", now_ms}}) > 0;
}

}  // namespace

std::string_view to_string(session_status status) { return status_names.at(static_cast<std::size_t>(status)); }
std::string_view to_string(session_state state) { return state_names.at(static_cast<std::size_t>(state)); }

void save_session(connection& c, const session_row& s) {
    c.execute(
        "INSERT INTO sessions (id, slug, cwd, title, model, permission_mode, include_partial, created_at, updated_at, "
        "last_message_at, status, state, spool_offset, holder_directory, created_by, depth, metadata, last_result, "
        "transcript_base_offset) VALUES (CAST(:id AS TEXT), CAST(:slug AS TEXT), CAST(:cwd AS TEXT), "
        "CAST(:title AS TEXT), CAST(:model AS TEXT), CAST(:permission_mode AS TEXT), CAST(:include_partial AS INTEGER), "
        "CAST(:created_at AS INTEGER), CAST(:updated_at AS INTEGER), CAST(:last_message_at AS INTEGER), "
        "CAST(:status AS TEXT), CAST(:state AS TEXT), CAST(:spool_offset AS INTEGER), CAST(:holder_directory AS TEXT), "
        "CAST(:created_by AS TEXT), CAST(:depth AS INTEGER), CAST(:metadata AS TEXT), CAST(:last_result AS TEXT), "
        "CAST(:transcript_base_offset AS INTEGER)) "
        "ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, cwd = excluded.cwd, title = excluded.title, "
        "model = excluded.model, permission_mode = excluded.permission_mode, "
        "include_partial = excluded.include_partial, created_at = excluded.created_at, "
        "updated_at = excluded.updated_at, last_message_at = excluded.last_message_at, status = excluded.status, "
        "state = excluded.state, spool_offset = excluded.spool_offset, holder_directory = excluded.holder_directory, "
        "created_by = excluded.created_by, depth = excluded.depth, metadata = excluded.metadata, "
        "last_result = excluded.last_result, transcript_base_offset = excluded.transcript_base_offset",
        {{"id", s.id},
         {"slug", s.slug},
         {"cwd", s.cwd},
         {"title", s.title},
         {"model", s.model},
         {"permission_mode", s.permission_mode},
         {"include_partial", std::int64_t{s.include_partial}},
         {"created_at", s.created_at},
         {"updated_at", s.updated_at},
         {"last_message_at", s.last_message_at ? value(*s.last_message_at) : value()},
         {"status", std::string(to_string(s.status))},
         {"state", std::string(to_string(s.state))},
         {"spool_offset", s.spool_offset},
         {"holder_directory", s.holder_directory},
         {"created_by", s.created_by},
         {"depth", s.depth},
         {"metadata", s.metadata},
         {"last_result", s.last_result},
         {"transcript_base_offset", s.transcript_base_offset}});
}

std::optional<session_row> find_session(connection& c, std::string_view id) {
    const auto rows = c.query("SELECT " + std::string(columns) + " FROM sessions WHERE id = CAST(:id AS TEXT)",
                              {{"id", std::string(id)}});
    if (rows.empty()) return std::nullopt;
    return read_row(rows.front());
}

std::vector<session_row> list_sessions(connection& c, const session_query& query) {
    std::string sql = "SELECT " + std::string(columns) + " FROM sessions WHERE 1 = 1";
    parameters params{{"limit", query.limit}};
    if (!query.slug.empty()) {
        sql += " AND slug = CAST(:slug AS TEXT)";
        params.emplace_back("slug", query.slug);
    }
    if (query.status) {
        sql += " AND status = CAST(:status AS TEXT)";
        params.emplace_back("status", std::string(to_string(*query.status)));
    }
    if (query.before_ms != 0) {
        sql +=
            " AND (updated_at < CAST(:before AS INTEGER) OR"
            " (updated_at = CAST(:before AS INTEGER) AND id < CAST(:before_id AS TEXT)))";
        params.emplace_back("before", query.before_ms);
        params.emplace_back("before_id", query.before_id);
    }
    sql += " ORDER BY updated_at DESC, id DESC LIMIT CAST(:limit AS INTEGER)";
    std::vector<session_row> out;
    for (const auto& r : c.query(sql, params)) out.push_back(read_row(r));
    return out;
}

bool any_session_running(connection& c, std::string_view id) {
    std::string sql = "SELECT id FROM sessions WHERE status = 'live' AND state = 'running'";
    parameters params;
    if (!id.empty()) {
        sql += " AND id = CAST(:id AS TEXT)";
        params.emplace_back("id", std::string(id));
    }
    return !c.query(sql + " LIMIT 1", params).empty();
}

bool set_session_state(connection& c, std::string_view id, session_status status, session_state state,
                       std::int64_t now_ms) {
    return c.execute(
               "UPDATE sessions SET status = CAST(:status AS TEXT), state = CAST(:state AS TEXT), "
               "updated_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
               {{"id", std::string(id)},
                {"status", std::string(to_string(status))},
                {"state", std::string(to_string(state))},
                {"now", now_ms}}) > 0;
}

bool set_spool_offset(connection& c, std::string_view id, std::int64_t offset) {
    return c.execute("UPDATE sessions SET spool_offset = CAST(:offset AS INTEGER) WHERE id = CAST(:id AS TEXT)",
                     {{"id", std::string(id)}, {"offset", offset}}) > 0;
}

bool set_session_holder(connection& c, std::string_view id, std::string_view directory, std::int64_t spool_offset,
                        std::int64_t now_ms) {
    return c.execute(
               "UPDATE sessions SET holder_directory = CAST(:directory AS TEXT), "
               "spool_offset = CAST(:offset AS INTEGER), updated_at = CAST(:now AS INTEGER) "
               "WHERE id = CAST(:id AS TEXT)",
               {{"id", std::string(id)},
                {"directory", std::string(directory)},
                {"offset", spool_offset},
                {"now", now_ms}}) > 0;
}

bool set_session_metadata(connection& c, std::string_view id, std::string_view metadata, std::int64_t now_ms) {
    return set_text(c,
                    "UPDATE sessions SET metadata = CAST(:text AS TEXT), updated_at = CAST(:now AS INTEGER) "
                    "WHERE id = CAST(:id AS TEXT)",
                    id, metadata, now_ms);
}

bool set_session_title(connection& c, std::string_view id, std::string_view title, std::int64_t now_ms) {
    return set_text(c,
                    "UPDATE sessions SET title = CAST(:text AS TEXT), updated_at = CAST(:now AS INTEGER) "
                    "WHERE id = CAST(:id AS TEXT)",
                    id, title, now_ms);
}

bool set_session_model(connection& c, std::string_view id, std::string_view model, std::string_view permission_mode,
                       std::int64_t now_ms) {
    return c.execute(
               "UPDATE sessions SET model = CAST(:model AS TEXT), permission_mode = CAST(:mode AS TEXT), "
               "updated_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
               {{"id", std::string(id)},
                {"model", std::string(model)},
                {"mode", std::string(permission_mode)},
                {"now", now_ms}}) > 0;
}

bool set_session_result(connection& c, std::string_view id, std::string_view result, std::int64_t now_ms) {
    return set_text(c,
                    "UPDATE sessions SET last_result = CAST(:text AS TEXT), updated_at = CAST(:now AS INTEGER) "
                    "WHERE id = CAST(:id AS TEXT)",
                    id, result, now_ms);
}

bool set_last_message_at(connection& c, std::string_view id, std::int64_t at_ms) {
    return c.execute(
               "UPDATE sessions SET last_message_at = CAST(:at AS INTEGER), updated_at = CAST(:at AS INTEGER) "
               "WHERE id = CAST(:id AS TEXT)",
               {{"id", std::string(id)}, {"at", at_ms}}) > 0;
}

}  // namespace agent::events
