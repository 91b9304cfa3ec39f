#include "hub/tenancy/setup.hpp"

#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "proto/limits.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;
using proto::limits::name_bytes_max;

setup_result insert_all(connection& c, const setup_options& options, std::int64_t now) {
    setup_result made;
    get_or_insert_keys(c, now);
    made.first_workspace = insert_workspace(c, options.workspace_name, now);
    made.owner = insert_user(c, options.owner_email, options.owner_name, now);
    upsert_membership(c, made.first_workspace.id, made.owner.id, role::owner, now);
    api_key_options key;
    key.workspace_id = made.first_workspace.id;
    key.user_id = made.owner.id;
    key.name = "first key";
    key.scopes = {"mcp:tools"};
    made.key = insert_api_key(c, key, now);
    join_token_options join;
    join.workspace_id = made.first_workspace.id;
    join.created_by = made.owner.id;
    made.join = insert_join_token(c, join, now);
    return made;
}

result<void> check(const setup_options& options) {
    if (!is_name(options.workspace_name, name_bytes_max))
        return fail(errc::invalid, "The workspace's name is empty, too long or not plain text.");
    if (!is_name(options.owner_name, name_bytes_max))
        return fail(errc::invalid, "The owner's name is empty, too long or not plain text.");
    if (!is_plain_text(options.owner_email, name_bytes_max))
        return fail(errc::invalid, "The owner's e-mail address is too long or not plain text.");
    return {};
}

}  // namespace

result<setup_result> initialise(common::db::database& db, const setup_options& options, clock_function now) {
    if (auto checked = check(options); !checked) return std::unexpected(std::move(checked.error()));
    if (auto migrated = store(db, now).migrate(); !migrated) return std::unexpected(std::move(migrated.error()));
    return in_transaction(db, [&](connection& c) -> result<setup_result> {
        if (has_workspace(c))
            return fail(
                errc::already_exists,
                "This hub is made already, and nothing was changed. For another API key run: codez-hub api-key. "
                "For another machine run: codez-hub join-token.");
        return insert_all(c, options, now());
    });
}

result<setup_result> add_workspace(common::db::database& db, const setup_options& options, clock_function now) {
    if (auto checked = check(options); !checked) return std::unexpected(std::move(checked.error()));
    return in_transaction(db, [&](connection& c) -> result<setup_result> {
        if (!c.query("SELECT id FROM workspaces WHERE name = CAST(:name AS TEXT)", {{"name", options.workspace_name}})
                 .empty())
            return fail(errc::already_exists, "There is a workspace of this name already.");
        return insert_all(c, options, now());
    });
}

}  // namespace hub::tenancy
