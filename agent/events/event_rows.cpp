#include "agent/events/event_rows.hpp"

#include <algorithm>

namespace agent::events {

namespace {

using common::db::connection;
using common::db::parameters;

// The names of type parameters must outlive the query: parameters hold views.
struct where {
    std::string sql;
    parameters params;
    std::vector<std::string> type_names;
};

// Adds "AND type IN (…)", unless all types are wanted.
void add_types(where& w, const filter& f) {
    if (f.types.empty()) return;
    w.type_names.reserve(f.types.size());
    w.sql += " AND type IN (";
    for (const auto& type : f.types) {
        const auto& name = w.type_names.emplace_back("type" + std::to_string(w.type_names.size()));
        w.sql += (w.type_names.size() > 1 ? ", CAST(:" : "CAST(:") + name + " AS TEXT)";
        w.params.emplace_back(name, type);
    }
    w.sql += ")";
}

where conditions(const filter& f, std::int64_t after) {
    where w{"seq > CAST(:after AS INTEGER)", {{"after", after}}, {}};
    if (!f.session_id.empty()) {
        w.sql += " AND session_id = CAST(:session AS TEXT)";
        w.params.emplace_back("session", f.session_id);
    }
    add_types(w, f);
    return w;
}

where conditions(const filter& f, const ordinal_range& range) {
    where w{
        "session_id = CAST(:session AS TEXT) AND ordinal >= CAST(:first AS INTEGER) AND ordinal <= CAST(:last AS INTEGER)",
        {{"session", f.session_id}, {"first", range.first}, {"last", range.last}},
        {}};
    add_types(w, f);
    return w;
}

// How many of these, from the first on, fit on a page.
std::size_t fitting(const std::vector<common::db::row>& sizes, page_limit limit) {
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < sizes.size() && count < static_cast<std::size_t>(limit.events)) {
        bytes += static_cast<std::size_t>(sizes[count].integer("size"));
        if (count > 0 && bytes > limit.bytes) break;
        ++count;
    }
    return count;
}

event read_event(const common::db::row& r) {
    return {.seq = r.integer("seq"),
            .ordinal = r.integer("ordinal"),
            .at_ms = r.integer("at_ms"),
            .session_id = r.text("session_id"),
            .type = r.text("type"),
            .body = r.text("body")};
}

}  // namespace

std::int64_t last_event_seq(connection& c) {
    return c.query("SELECT COALESCE(MAX(seq), 0) AS seq FROM events").front().integer("seq");
}

void insert_event(connection& c, const new_event& e, std::int64_t seq, std::int64_t at_ms) {
    c.execute(
        "INSERT INTO events (seq, session_id, ordinal, type, at_ms, starts_turn, size, body) VALUES "
        "(CAST(:seq AS INTEGER), CAST(:session AS TEXT), "
        "(SELECT COALESCE(MAX(ordinal) + 1, 0) FROM events WHERE session_id = CAST(:session AS TEXT)), "
        "CAST(:type AS TEXT), CAST(:at AS INTEGER), CAST(:starts AS INTEGER), CAST(:size AS INTEGER), "
        "CAST(:body AS TEXT))",
        {{"seq", seq},
         {"session", e.session_id},
         {"type", e.type},
         {"at", at_ms},
         {"starts", std::int64_t{e.starts_turn}},
         {"size", static_cast<std::int64_t>(e.body.size())},
         {"body", e.body}});
}

page read_page(connection& c, const filter& f, std::int64_t after, page_limit limit) {
    page out;
    const std::int64_t newest = last_event_seq(c);
    out.next_seq = std::max(after, newest);
    if (newest <= after) return out;

    where w = conditions(f, after);
    w.params.emplace_back("limit", std::int64_t{limit.events} + 1);
    // Sizes first: what does not fit on the page is not read at all.
    const auto sizes = c.query(
        "SELECT seq, size FROM events WHERE " + w.sql + " ORDER BY seq LIMIT CAST(:limit AS INTEGER)", w.params);
    const std::size_t count = fitting(sizes, limit);
    if (count == 0) return out;
    out.has_more = count < sizes.size();
    const std::int64_t last = sizes[count - 1].integer("seq");
    if (out.has_more) out.next_seq = last;

    w.params.pop_back();
    w.params.emplace_back("last", last);
    const auto rows = c.query("SELECT seq, ordinal, at_ms, session_id, type, body FROM events WHERE " + w.sql +
                                  " AND seq <= CAST(:last AS INTEGER) ORDER BY seq",
                              w.params);
    out.events.reserve(rows.size());
    for (const auto& r : rows) out.events.push_back(read_event(r));
    return out;
}

history_page read_history_page(connection& c, const filter& f, const ordinal_range& range, page_limit limit) {
    history_page out;
    out.count =
        c.query("SELECT COALESCE(MAX(ordinal) + 1, 0) AS n FROM events WHERE session_id = CAST(:session AS TEXT)",
                {{"session", f.session_id}})
            .front()
            .integer("n");
    const where w = conditions(f, range);
    const std::string order = range.newest_first ? " ORDER BY ordinal DESC LIMIT CAST(:limit AS INTEGER)"
                                                 : " ORDER BY ordinal LIMIT CAST(:limit AS INTEGER)";
    const auto page = [&](std::string_view columns, std::int64_t rows) {
        auto params = w.params;
        params.emplace_back("limit", rows);
        return c.query("SELECT " + std::string(columns) + " FROM events WHERE " + w.sql + order, params);
    };
    const auto sizes = page("size", std::int64_t{limit.events} + 1);
    const std::size_t fit = fitting(sizes, limit);
    out.has_more = fit < sizes.size();
    if (fit == 0) return out;
    for (const auto& r : page("seq, ordinal, at_ms, session_id, type, body", static_cast<std::int64_t>(fit)))
        out.events.push_back(read_event(r));
    return out;
}

std::optional<std::int64_t> turn_start_seq(connection& c, std::string_view session_id) {
    const auto rows = c.query(
        "SELECT seq FROM events WHERE session_id = CAST(:session AS TEXT) AND starts_turn = 1 "
        "ORDER BY seq DESC LIMIT 1",
        {{"session", std::string(session_id)}});
    if (rows.empty()) return std::nullopt;
    return rows.front().integer("seq") - 1;
}

std::int64_t last_seq_before(connection& c, std::int64_t at_ms) {
    const auto rows = c.query(
        "SELECT seq FROM events WHERE at_ms < CAST(:at AS INTEGER) "
        "ORDER BY at_ms DESC, seq DESC LIMIT 1",
        {{"at", at_ms}});
    return rows.empty() ? 0 : rows.front().integer("seq");
}

std::vector<std::int64_t> newest_message_seqs(connection& c, std::string_view session_id, std::int64_t count) {
    std::vector<std::int64_t> out;
    for (const auto& r : c.query("SELECT seq FROM events WHERE session_id = CAST(:session AS TEXT) AND "
                                 "type = 'message.created' ORDER BY seq DESC LIMIT CAST(:count AS INTEGER)",
                                 {{"session", std::string(session_id)}, {"count", count}}))
        out.push_back(r.integer("seq"));
    std::ranges::reverse(out);
    return out;
}

std::optional<std::string> find_meta(connection& c, std::string_view name) {
    const auto rows = c.query("SELECT value FROM meta WHERE name = CAST(:name AS TEXT)", {{"name", std::string(name)}});
    if (rows.empty()) return std::nullopt;
    return rows.front().text("value");
}

void set_meta(connection& c, std::string_view name, std::string_view value) {
    c.execute(
        "INSERT INTO meta (name, value) VALUES (CAST(:name AS TEXT), CAST(:value AS TEXT)) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        {{"name", std::string(name)}, {"value", std::string(value)}});
}

}  // namespace agent::events
