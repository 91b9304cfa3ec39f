#include "hub/oauth/rows.hpp"

#include <algorithm>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "hub/oauth/scopes.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::oauth {

using common::db::connection;
using tenancy::text;

std::optional<client> select_client(connection& c, std::string_view id) {
    const auto found = c.query(
        "SELECT id, kind, name, redirect_uris, auth_method, secret_hash FROM oauth_clients WHERE id = CAST(:id AS TEXT)",
        {{"id", text(id)}});
    if (found.empty()) return std::nullopt;
    const auto& row = found.front();
    client one;
    one.id = row.text("id");
    const auto& kind = row.text("kind");
    one.kind = kind == "document"   ? client_kind::document
               : kind == "known"    ? client_kind::known
               : kind == "resource" ? client_kind::resource
                                    : client_kind::registered;
    one.name = row.text("name");
    one.redirect_uris = nlohmann::json::parse(row.text("redirect_uris")).get<std::vector<std::string>>();
    one.auth_method = row.text("auth_method");
    if (!row.is_null("secret_hash")) one.secret_hash = row.bytes("secret_hash");
    return one;
}

void mark_client_used(connection& c, std::string_view id, std::int64_t now) {
    c.execute("UPDATE oauth_clients SET used_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
              {{"now", now}, {"id", text(id)}});
}

machine_set read_machines(const common::db::row& row, std::string_view column) {
    if (row.is_null(column)) return std::nullopt;
    return nlohmann::json::parse(row.text(column)).get<std::vector<std::string>>();
}

common::db::value to_value(const machine_set& machines) {
    return machines ? common::db::value(nlohmann::json(*machines).dump()) : common::db::value();
}

std::vector<membership> select_reach(connection& c, std::string_view user_id, std::string_view workspace_id,
                                     bool all_workspaces) {
    auto reach = tenancy::select_memberships(c, user_id);
    if (!all_workspaces) std::erase_if(reach, [&](const auto& one) { return one.workspace_id != workspace_id; });
    return reach;
}

bool has_workspace(const std::vector<membership>& reach, std::string_view id) {
    return std::ranges::find(reach, id, &membership::workspace_id) != reach.end();
}

tenancy::role highest_role(const std::vector<membership>& reach) {
    return std::ranges::max(reach, {}, &membership::role).role;
}

std::optional<family> select_family(connection& c, std::string_view id) {
    const auto found = c.query(
        "SELECT f.id, f.audience, f.created_at, f.used_at, f.revoked_at, g.id AS grant_id, g.client_id, g.user_id, "
        "g.workspace_id, g.all_workspaces, g.scopes, g.revoked_at AS grant_revoked_at "
        "FROM token_families f JOIN grants g ON g.id = f.grant_id WHERE f.id = CAST(:id AS TEXT)",
        {{"id", text(id)}});
    if (found.empty()) return std::nullopt;
    const auto& row = found.front();
    family one;
    one.id = row.text("id");
    one.audience = row.text("audience");
    one.created_at = row.integer("created_at");
    one.used_at = row.integer("used_at");
    one.revoked = !row.is_null("revoked_at") || !row.is_null("grant_revoked_at");
    one.grant_id = row.text("grant_id");
    one.client_id = row.text("client_id");
    one.user_id = row.text("user_id");
    one.workspace_id = row.text("workspace_id");
    one.all_workspaces = row.integer("all_workspaces") != 0;
    one.grant_scopes = parse_scopes(row.text("scopes")).value_or(std::vector<std::string>());
    return one;
}

void end_family(connection& c, const family& one, std::string_view why, std::int64_t now) {
    const auto ended = c.execute(
        "UPDATE token_families SET revoked_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT) AND revoked_at IS NULL",
        {{"now", now}, {"id", text(one.id)}});
    if (ended == 0) return;
    tenancy::audit_entry entry;
    entry.workspace_id = one.workspace_id;
    entry.actor = "user:" + one.user_id + "/" + one.grant_id;
    entry.action = why;
    entry.subject = one.id;
    entry.result = "ok";
    tenancy::insert_audit(c, entry, now);
}

}  // namespace hub::oauth
