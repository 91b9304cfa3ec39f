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

constexpr int page_max = 200;
constexpr std::size_t field_bytes_max = 256;

}  // namespace

void insert_audit(connection& c, const audit_entry& entry, std::int64_t now) {
    c.execute(
        "INSERT INTO audit (at, workspace_id, actor, action, subject, result) VALUES (CAST(:now AS INTEGER), "
        "CAST(:workspace AS TEXT), CAST(:actor AS TEXT), CAST(:action AS TEXT), CAST(:subject AS TEXT), "
        "CAST(:result AS TEXT))",
        {{"now", now},
         {"workspace", entry.workspace_id},
         {"actor", entry.actor},
         {"action", entry.action},
         {"subject", entry.subject},
         {"result", entry.result}});
}

result<void> store::record_audit(const audit_entry& entry) {
    for (const auto* field : {&entry.workspace_id, &entry.actor, &entry.action, &entry.subject, &entry.result})
        if (!is_plain_text(*field, field_bytes_max))
            return fail(errc::invalid, "An audit entry takes ids and codes only.");
    return in_transaction(db_, [&](connection& c) -> result<void> {
        insert_audit(c, entry, now_());
        return {};
    });
}

result<std::vector<audit_entry>> store::list_audit(std::string_view workspace_id, std::int64_t before, int limit) {
    return in_transaction(db_, [&](connection& c) -> result<std::vector<audit_entry>> {
        const std::int64_t end = before > 0 ? before : std::numeric_limits<std::int64_t>::max();
        const std::int64_t count = std::clamp(limit, 1, page_max);
        std::vector<audit_entry> all;
        for (const auto& r : c.query("SELECT id, at, workspace_id, actor, action, subject, result FROM audit "
                                     "WHERE workspace_id = CAST(:workspace AS TEXT) AND id < CAST(:before AS INTEGER) "
                                     "ORDER BY id DESC LIMIT CAST(:count AS INTEGER)",
                                     {{"workspace", text(workspace_id)}, {"before", end}, {"count", count}}))
            all.push_back({r.integer("id"), r.integer("at"), r.text("workspace_id"), r.text("actor"), r.text("action"),
                           r.text("subject"), r.text("result")});
        return all;
    });
}

}  // namespace hub::tenancy
