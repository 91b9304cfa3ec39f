// Clients: registered by themselves, or known by the document that their id names.
#include <nlohmann/json.hpp>

#include "hub/oauth/limits.hpp"
#include "hub/oauth/rows.hpp"
#include "hub/oauth/store.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::oauth {

using common::db::connection;
using tenancy::bytes;
using tenancy::errc;
using tenancy::fail;
using tenancy::text;

void insert_client(connection& c, const client& one, std::int64_t now) {
    c.execute(
        "INSERT INTO oauth_clients (id, kind, name, redirect_uris, auth_method, secret_hash, created_at) VALUES "
        "(CAST(:id AS TEXT), CAST(:kind AS TEXT), CAST(:name AS TEXT), CAST(:uris AS TEXT), CAST(:method AS TEXT), "
        "CAST(:secret AS BLOB), CAST(:now AS INTEGER))",
        {{"id", text(one.id)},
         {"kind", text(to_string(one.kind))},
         {"name", text(one.name)},
         {"uris", text(nlohmann::json(one.redirect_uris).dump())},
         {"method", text(one.auth_method)},
         {"secret", one.secret_hash.empty() ? common::db::value() : bytes(one.secret_hash)},
         {"now", now}});
}

std::string_view to_string(client_kind kind) {
    switch (kind) {
        case client_kind::registered:
            return "registered";
        case client_kind::document:
            return "document";
        case client_kind::known:
            return "known";
        case client_kind::resource:
            return "resource";
    }
    return "";
}

result<client> store::register_client(client fields) {
    fields.id = fields.kind == client_kind::registered ? tenancy::new_id("c_") : fields.id;
    return tenancy::in_transaction(db_, [&](connection& c) -> result<client> {
        const auto unused =
            c.query("SELECT count(*) AS n FROM oauth_clients WHERE kind = CAST(:kind AS TEXT) AND used_at IS NULL",
                    {{"kind", text(to_string(client_kind::registered))}});
        if (unused.front().integer("n") >= limits::clients_unused_max)
            return fail(errc::unavailable, "Too many clients have registered and were never used. Try again later.");
        insert_client(c, fields, now_());
        return fields;
    });
}

result<client> store::find_client(std::string_view id) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<client> {
        auto found = select_client(c, id);
        if (!found) return fail(errc::not_found, "There is no such client.");
        return std::move(*found);
    });
}

result<void> store::keep_document(const client& document) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<void> {
        const auto known = select_client(c, document.id);
        if (!known) {
            insert_client(c, document, now_());
        } else if (known->name != document.name || known->redirect_uris != document.redirect_uris) {
            c.execute(
                "UPDATE oauth_clients SET name = CAST(:name AS TEXT), redirect_uris = CAST(:uris AS TEXT) "
                "WHERE id = CAST(:id AS TEXT)",
                {{"name", text(document.name)},
                 {"uris", text(nlohmann::json(document.redirect_uris).dump())},
                 {"id", text(document.id)}});
        }
        return {};
    });
}

}  // namespace hub::oauth
