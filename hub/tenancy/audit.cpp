// Who did what when: ids and codes only, never what a call carried.
#include <algorithm>
#include <limits>

#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;

constexpr std::int64_t page_max = 200;
constexpr std::size_t field_bytes_max = 256;
constexpr std::int64_t pruned_at_once = 5000;

bool is_audit_text(const audit_entry& e) {
    for (const auto* field : {&e.workspace_id, &e.actor, &e.action, &e.subject, &e.result, &e.machine_id, &e.session_id,
                              &e.arguments_hash, &e.rule})
        if (!is_plain_text(*field, field_bytes_max)) return false;
    return true;
}

}  // namespace

void insert_audit(connection& c, const audit_entry& entry, std::int64_t now) {
    c.execute(
        "INSERT INTO audit (at, workspace_id, actor, action, subject, result, machine_id, session_id, arguments_hash, "
        "rule) VALUES (CAST(:at AS INTEGER), CAST(:workspace AS TEXT), CAST(:actor AS TEXT), CAST(:action AS TEXT), "
        "CAST(:subject AS TEXT), CAST(:result AS TEXT), CAST(:machine AS TEXT), CAST(:session AS TEXT), "
        "CAST(:hash AS TEXT), CAST(:rule AS TEXT))",
        {{"at", entry.at > 0 ? entry.at : now},
         {"workspace", entry.workspace_id},
         {"actor", entry.actor},
         {"action", entry.action},
         {"subject", entry.subject},
         {"result", entry.result},
         {"machine", entry.machine_id},
         {"session", entry.session_id},
         {"hash", entry.arguments_hash},
         {"rule", entry.rule}});
}

result<void> store::record_audit(std::span<const audit_entry> entries) {
    if (!std::ranges::all_of(entries, is_audit_text))
        return fail(errc::invalid, "An audit entry takes ids and codes only.");
    return in_transaction(db_, [&](connection& c) -> result<void> {
        for (const auto& entry : entries) insert_audit(c, entry, now_());
        return {};
    });
}

result<std::vector<audit_entry>> store::list_audit(std::string_view workspace_id, const audit_query& query) {
    return in_transaction(db_, [&](connection& c) -> result<std::vector<audit_entry>> {
        std::string sql =
            "SELECT id, at, workspace_id, actor, action, subject, result, machine_id, session_id, arguments_hash, rule "
            "FROM audit WHERE workspace_id IN (CAST(:workspace AS TEXT), '') AND id < CAST(:before AS INTEGER) "
            "AND at >= CAST(:since AS INTEGER)";
        common::db::parameters params{
            {"workspace", text(workspace_id)},
            {"before", query.before > 0 ? query.before : std::numeric_limits<std::int64_t>::max()},
            {"since", query.since},
            {"count", std::clamp<std::int64_t>(query.limit, 1, page_max)}};
        if (!query.machine_id.empty()) {
            // What was done to the machine itself has it as its subject.
            sql += " AND (machine_id = CAST(:machine AS TEXT) OR subject = CAST(:machine AS TEXT))";
            params.emplace_back("machine", query.machine_id);
        }
        if (query.refused)
            sql +=
                " AND result IN ('permission_denied', 'policy_denied', 'recursion_limit_exceeded', 'machine_revoked')";
        std::vector<audit_entry> all;
        for (const auto& r : c.query(sql + " ORDER BY id DESC LIMIT CAST(:count AS INTEGER)", params))
            all.push_back({r.integer("id"), r.integer("at"), r.text("workspace_id"), r.text("actor"), r.text("action"),
                           r.text("subject"), r.text("result"), r.text("machine_id"), r.text("session_id"),
                           r.text("arguments_hash"), r.text("rule")});
        return all;
    });
}

result<bool> store::prune_audit(std::int64_t before_ms) {
    return in_transaction(db_, [&](connection& c) -> result<bool> {
        const auto removed = c.execute(
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < CAST(:before AS INTEGER) "
            "ORDER BY at LIMIT CAST(:count AS INTEGER))",
            {{"before", before_ms}, {"count", pruned_at_once}});
        return removed == pruned_at_once;
    });
}

}  // namespace hub::tenancy
