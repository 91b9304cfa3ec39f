#include "agent/journal/audit_rows.hpp"

#include <algorithm>

namespace agent::journal {

using common::db::connection;
using common::db::parameters;

std::int64_t insert_audit(connection& c, const audit_entry& e) {
    const auto rows = c.query(
        "INSERT INTO audit (at_ms, principal, origin, tool, session_id, rule, refused, arguments_hash) VALUES "
        "(CAST(:at AS INTEGER), CAST(:principal AS TEXT), CAST(:origin AS TEXT), CAST(:tool AS TEXT), "
        "CAST(:session AS TEXT), CAST(:rule AS TEXT), CAST(:refused AS INTEGER), CAST(:hash AS TEXT)) RETURNING id",
        {{"at", e.at_ms},
         {"principal", e.principal},
         {"origin", e.origin},
         {"tool", e.tool},
         {"session", e.session_id},
         {"rule", e.rule},
         {"refused", std::int64_t{e.refused}},
         {"hash", e.arguments_hash}});
    return rows.front().integer("id");
}

void settle_audit(connection& c, std::int64_t id, const std::string& session_id, const std::string& rule) {
    if (!session_id.empty())
        c.execute("UPDATE audit SET session_id = CAST(:session AS TEXT) WHERE id = CAST(:id AS INTEGER)",
                  {{"id", id}, {"session", session_id}});
    if (!rule.empty())
        c.execute("UPDATE audit SET refused = 1, rule = CAST(:rule AS TEXT) WHERE id = CAST(:id AS INTEGER)",
                  {{"id", id}, {"rule", rule}});
}

std::vector<audit_entry> list_audit(connection& c, const audit_query& query) {
    std::string sql =
        "SELECT id, at_ms, principal, origin, tool, session_id, rule, refused, arguments_hash FROM audit "
        "WHERE at_ms >= CAST(:since AS INTEGER)";
    parameters params{{"since", query.since_ms}, {"limit", query.limit}};
    if (!query.session_id.empty()) {
        sql += " AND session_id = CAST(:session AS TEXT)";
        params.emplace_back("session", query.session_id);
    }
    if (query.refused_only) sql += " AND refused = 1";
    sql += " ORDER BY id DESC LIMIT CAST(:limit AS INTEGER)";
    std::vector<audit_entry> out;
    for (const auto& r : c.query(sql, params)) {
        audit_entry e;
        e.id = r.integer("id");
        e.at_ms = r.integer("at_ms");
        e.principal = r.text("principal");
        e.origin = r.text("origin");
        e.tool = r.text("tool");
        e.session_id = r.text("session_id");
        e.rule = r.text("rule");
        e.refused = r.integer("refused") != 0;
        e.arguments_hash = r.text("arguments_hash");
        out.push_back(std::move(e));
    }
    std::ranges::reverse(out);
    return out;
}

void expire_audit(connection& c, std::int64_t before_ms, std::int64_t keep) {
    c.execute("DELETE FROM audit WHERE at_ms < CAST(:before AS INTEGER)", {{"before", before_ms}});
    c.execute("DELETE FROM audit WHERE id <= (SELECT MAX(id) FROM audit) - CAST(:keep AS INTEGER)", {{"keep", keep}});
}

}  // namespace agent::journal
