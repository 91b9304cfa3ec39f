#include "agent/events/permission_rows.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace agent::events {

namespace {

using common::db::connection;
using common::db::value;

constexpr std::array<std::string_view, 4> state_names{"pending", "allowed", "denied", "withdrawn"};
constexpr std::array<std::string_view, 7> kind_names{"", "person", "client", "local", "rule", "grant", "expiry"};
constexpr std::size_t preview_bytes = 500;

constexpr std::string_view select =
    "SELECT session_id, request_id, tool_name, tool_use_id, input, description, suggestions, details, state, answered_by, "
    "answered_kind, created_at, answered_at FROM permissions ";

permission_row read_row(const common::db::row& r) {
    permission_row p;
    p.session_id = r.text("session_id");
    p.request_id = r.text("request_id");
    p.tool_name = r.text("tool_name");
    p.tool_use_id = r.text("tool_use_id");
    p.input = r.text("input");
    p.description = r.text("description");
    p.suggestions = r.text("suggestions");
    p.details = r.text("details");
    const auto* name = std::ranges::find(state_names, r.text("state"));
    if (name == state_names.end()) throw std::logic_error("log.db has a permission with an unknown state");
    p.state = static_cast<permission_state>(name - state_names.begin());
    p.answered_by = r.text("answered_by");
    const auto* kind = std::ranges::find(kind_names, r.text("answered_kind"));
    if (kind == kind_names.end()) throw std::logic_error("log.db has a permission that an unknown kind answered");
    p.answered_kind = static_cast<answerer_kind>(kind - kind_names.begin());
    p.created_at = r.integer("created_at");
    p.answered_at = r.maybe_integer("answered_at");
    return p;
}

// Not in the middle of a UTF-8 sequence.
std::string preview(const std::string& text) {
    if (text.size() <= preview_bytes) return text;
    std::size_t end = preview_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end) + "…";
}

// Passed on as it is: the input may be deep, and building it would only serve to write it again.
const std::string& sound_or(const std::string& json, const std::string& otherwise) {
    return nlohmann::json::accept(json) ? json : otherwise;
}

std::string json_text(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string_view to_string(permission_state state) { return state_names.at(static_cast<std::size_t>(state)); }

std::string_view to_string(answerer_kind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }

bool insert_permission(connection& c, const permission_row& p) {
    return c.execute(
               "INSERT INTO permissions (session_id, request_id, tool_name, tool_use_id, input, description, "
               "suggestions, details, state, answered_by, answered_kind, created_at, answered_at) VALUES "
               "(CAST(:session AS TEXT), CAST(:request AS TEXT), CAST(:tool AS TEXT), CAST(:use AS TEXT), "
               "CAST(:input AS TEXT), CAST(:description AS TEXT), CAST(:suggestions AS TEXT), "
               "CAST(:details AS TEXT), CAST(:state AS TEXT), CAST(:by AS TEXT), CAST(:kind AS TEXT), "
               "CAST(:created AS INTEGER), CAST(:answered AS INTEGER)) "
               "ON CONFLICT (session_id, request_id) DO NOTHING",
               {{"session", p.session_id},
                {"request", p.request_id},
                {"tool", p.tool_name},
                {"use", p.tool_use_id},
                {"input", p.input},
                {"description", p.description},
                {"suggestions", p.suggestions},
                {"details", p.details},
                {"state", std::string(to_string(p.state))},
                {"by", p.answered_by},
                {"kind", std::string(to_string(p.answered_kind))},
                {"created", p.created_at},
                {"answered", p.answered_at ? value(*p.answered_at) : value()}}) > 0;
}

std::optional<permission_row> find_permission(connection& c, std::string_view session_id, std::string_view request_id) {
    const auto rows = c.query(std::string(select) +
                                  "WHERE session_id = CAST(:session AS TEXT) AND "
                                  "request_id = CAST(:request AS TEXT)",
                              {{"session", std::string(session_id)}, {"request", std::string(request_id)}});
    if (rows.empty()) return std::nullopt;
    return read_row(rows.front());
}

std::vector<permission_row> pending_permissions(connection& c, std::string_view session_id) {
    std::string sql = std::string(select) + "WHERE state = 'pending'";
    common::db::parameters params;
    if (!session_id.empty()) {
        sql += " AND session_id = CAST(:session AS TEXT)";
        params.emplace_back("session", std::string(session_id));
    }
    std::vector<permission_row> out;
    for (const auto& r : c.query(sql + " ORDER BY id LIMIT 1000", params)) out.push_back(read_row(r));
    return out;
}

bool answer_permission(connection& c, std::string_view session_id, std::string_view request_id, permission_state state,
                       const answerer& by, std::int64_t now_ms) {
    return c.execute(
               "UPDATE permissions SET state = CAST(:state AS TEXT), answered_by = CAST(:by AS TEXT), "
               "answered_kind = CAST(:kind AS TEXT), answered_at = CAST(:now AS INTEGER) WHERE session_id = CAST(:session AS TEXT) AND "
               "request_id = CAST(:request AS TEXT) AND state = 'pending'",
               {{"session", std::string(session_id)},
                {"request", std::string(request_id)},
                {"state", std::string(to_string(state))},
                {"by", by.name},
                {"kind", std::string(to_string(by.kind))},
                {"now", now_ms}}) > 0;
}

std::vector<std::string> withdraw_permissions(connection& c, std::string_view session_id, std::int64_t now_ms) {
    std::vector<std::string> ids;
    for (const auto& r : c.query("SELECT request_id FROM permissions WHERE session_id = CAST(:session AS TEXT) AND "
                                 "state = 'pending' ORDER BY id",
                                 {{"session", std::string(session_id)}}))
        ids.push_back(r.text("request_id"));
    if (ids.empty()) return ids;
    c.execute(
        "UPDATE permissions SET state = 'withdrawn', answered_at = CAST(:now AS INTEGER) "
        "WHERE session_id = CAST(:session AS TEXT) AND state = 'pending'",
        {{"session", std::string(session_id)}, {"now", now_ms}});
    return ids;
}

std::string request_json(const permission_row& p) {
    std::string out = fmt::format(
        R"({{"requestId":{},"toolName":{},"description":{},"inputPreview":{},"toolUseId":{},"input":{},)"
        R"("suggestions":{},"createdAt":{}}})",
        json_text(p.request_id), json_text(p.tool_name), json_text(p.description), json_text(preview(p.input)),
        json_text(p.tool_use_id), sound_or(p.input, "{}"), sound_or(p.suggestions, "[]"), p.created_at);
    // {"a":1} joins as ,"a":1
    if (p.details.size() > 2 && p.details.front() == '{' && nlohmann::json::accept(p.details))
        out.replace(out.size() - 1, 1, "," + p.details.substr(1));
    return out;
}

}  // namespace agent::events
