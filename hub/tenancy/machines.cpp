// Machines as people see them: look up, rename, revoke, always within a workspace.
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/limits.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;

// The same for "not yours" and "does not exist".
std::unexpected<error> no_machine() { return fail(errc::not_found, "There is no such machine in this workspace."); }

std::vector<machine> select(connection& c, std::string_view condition, const common::db::parameters& params) {
    std::vector<machine> found;
    for (const auto& r :
         c.query("SELECT " + std::string(machine_columns) + " FROM machines WHERE " + std::string(condition), params))
        found.push_back(read_machine(r));
    return found;
}

result<machine> first(std::vector<machine> found) {
    if (found.empty()) return no_machine();
    return std::move(found.front());
}

result<machine> select_one(connection& c, std::string_view workspace_id, std::string_view machine_id) {
    return first(select(c, "workspace_id = CAST(:workspace AS TEXT) AND id = CAST(:id AS TEXT)",
                        {{"workspace", text(workspace_id)}, {"id", text(machine_id)}}));
}

audit_entry audit_of(const machine& m, std::string_view actor, std::string_view action) {
    return {.workspace_id = m.workspace_id,
            .actor = std::string(actor),
            .action = std::string(action),
            .subject = m.id,
            .result = "ok"};
}

}  // namespace

result<machine> store::get_machine(std::string_view workspace_id, std::string_view machine_id) {
    if (!is_plain_text(machine_id, proto::limits::id_bytes_max)) return no_machine();
    return in_transaction(db_,
                          [&](connection& c) -> result<machine> { return select_one(c, workspace_id, machine_id); });
}

result<machine> store::find_machine(std::string_view workspace_id, std::string_view id_or_name) {
    if (!is_plain_text(id_or_name, proto::limits::name_bytes_max)) return no_machine();
    return in_transaction(db_, [&](connection& c) -> result<machine> {
        // The id first: nobody can take over a machine's calls by naming another like it.
        return first(
            select(c,
                   "workspace_id = CAST(:workspace AS TEXT) AND (id = CAST(:id AS TEXT) OR "
                   "name_key = CAST(:key AS TEXT)) "
                   "ORDER BY CASE WHEN id = CAST(:id AS TEXT) THEN 0 ELSE 1 END LIMIT 1",
                   {{"workspace", text(workspace_id)}, {"id", text(id_or_name)}, {"key", lower_case(id_or_name)}}));
    });
}

result<std::vector<machine>> store::list_machines(std::string_view workspace_id) {
    return in_transaction(db_, [&](connection& c) -> result<std::vector<machine>> {
        return select(c, "workspace_id = CAST(:workspace AS TEXT) ORDER BY created_at, id",
                      {{"workspace", text(workspace_id)}});
    });
}

result<machine> store::get_machine_for_link(std::string_view machine_id) {
    if (!is_plain_text(machine_id, proto::limits::id_bytes_max)) return no_machine();
    return in_transaction(db_, [&](connection& c) -> result<machine> {
        return first(select(c, "id = CAST(:id AS TEXT)", {{"id", text(machine_id)}}));
    });
}

result<void> store::rename_machine(std::string_view workspace_id, std::string_view machine_id, std::string_view name,
                                   std::string_view actor) {
    if (!is_name(name, proto::limits::name_bytes_max))
        return fail(errc::invalid, "The machine's name is empty, too long or not plain text.");
    auto done = in_transaction(db_, [&](connection& c) -> result<void> {
        const auto found = select_one(c, workspace_id, machine_id);
        if (!found) return std::unexpected(found.error());
        if (found->state == machine_state::revoked) return fail(errc::revoked, "This machine was revoked.");
        c.execute(
            "UPDATE machines SET name = CAST(:name AS TEXT), name_key = CAST(:key AS TEXT) "
            "WHERE id = CAST(:id AS TEXT)",
            {{"name", text(name)}, {"key", lower_case(name)}, {"id", found->id}});
        insert_audit(c, audit_of(*found, actor, "machine.renamed"), now_());
        return {};
    });
    if (!done && done.error().code == errc::already_exists)
        done.error().message = "Another machine of this workspace has this name. Choose another one.";
    return done;
}

result<void> store::revoke_machine(std::string_view workspace_id, std::string_view machine_id, std::string_view actor) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const auto found = select_one(c, workspace_id, machine_id);
        if (!found) return std::unexpected(found.error());
        if (found->state == machine_state::revoked) return {};
        // The name is free again.
        c.execute("UPDATE machines SET state = 'revoked', name_key = NULL WHERE id = CAST(:id AS TEXT)",
                  {{"id", found->id}});
        insert_audit(c, audit_of(*found, actor, "machine.revoked"), now_());
        return {};
    });
}

}  // namespace hub::tenancy
