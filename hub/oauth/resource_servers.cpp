// Other resource servers that take this hub's tokens.
#include "common/crypto/digest.hpp"
#include "hub/oauth/rows.hpp"
#include "hub/oauth/secrets.hpp"
#include "hub/oauth/store.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::oauth {

namespace {

using common::db::connection;
using tenancy::errc;
using tenancy::fail;
using tenancy::text;

resource_server read(const common::db::row& row) {
    return {row.text("id"), row.text("workspace_id"), row.text("name"), row.text("url"), row.integer("created_at")};
}

std::vector<resource_server> select_where(connection& c, std::string_view column, std::string_view value) {
    std::vector<resource_server> all;
    for (const auto& row : c.query("SELECT id, workspace_id, name, url, created_at FROM resource_servers WHERE " +
                                       std::string(column) + " = CAST(:value AS TEXT) ORDER BY created_at, id",
                                   {{"value", text(value)}}))
        all.push_back(read(row));
    return all;
}

result<resource_server> only(std::vector<resource_server> found) {
    if (found.empty()) return fail(errc::not_found, "There is no such resource server.");
    return std::move(found.front());
}

}  // namespace

result<store::new_resource> store::add_resource(std::string_view workspace_id, std::string_view actor,
                                                std::string_view name, std::string_view url) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<new_resource> {
        if (!select_where(c, "url", url).empty())
            return fail(errc::already_exists, "A resource server with this resource_url is registered already.");
        const auto now = now_();
        new_resource made{
            {tenancy::new_id("srv_"), std::string(workspace_id), std::string(name), std::string(url), now},
            new_secret(resource_secret_prefix)};
        client as_client;
        as_client.id = made.server.id;
        as_client.kind = client_kind::resource;
        as_client.name = name;
        as_client.auth_method = "client_secret_basic";
        as_client.secret_hash = common::crypto::sha256(made.secret);
        insert_client(c, as_client, now);
        c.execute(
            "INSERT INTO resource_servers (id, workspace_id, name, url, created_at) VALUES (CAST(:id AS TEXT), "
            "CAST(:workspace AS TEXT), CAST(:name AS TEXT), CAST(:url AS TEXT), CAST(:now AS INTEGER))",
            {{"id", made.server.id},
             {"workspace", made.server.workspace_id},
             {"name", made.server.name},
             {"url", made.server.url},
             {"now", now}});
        tenancy::audit_entry entry;
        entry.workspace_id = workspace_id;
        entry.actor = actor;
        entry.action = "resource_server.added";
        entry.subject = made.server.id;
        entry.result = "ok";
        tenancy::insert_audit(c, entry, now);
        return made;
    });
}

result<std::vector<resource_server>> store::list_resources(std::string_view workspace_id) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<std::vector<resource_server>> {
        return select_where(c, "workspace_id", workspace_id);
    });
}

result<resource_server> store::find_resource(std::string_view id) {
    return tenancy::in_transaction(db_, [&](connection& c) { return only(select_where(c, "id", id)); });
}

result<resource_server> store::find_resource_by_url(std::string_view url) {
    return tenancy::in_transaction(db_, [&](connection& c) { return only(select_where(c, "url", url)); });
}

}  // namespace hub::oauth
