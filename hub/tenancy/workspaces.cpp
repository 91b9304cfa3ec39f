// Workspaces, users and who belongs where.
#include <stdexcept>

#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/limits.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;
using proto::limits::name_bytes_max;

role read_role(const common::db::row& r) {
    const auto found = parse_role(r.text("role"));
    if (!found) throw std::logic_error("a membership has an unknown role");
    return *found;
}

}  // namespace

workspace insert_workspace(connection& c, std::string_view name, std::int64_t now) {
    workspace w{new_id("w_"), std::string(name), now};
    c.execute(
        "INSERT INTO workspaces (id, name, created_at) VALUES (CAST(:id AS TEXT), CAST(:name AS TEXT), "
        "CAST(:now AS INTEGER))",
        {{"id", w.id}, {"name", w.name}, {"now", now}});
    return w;
}

user insert_user(connection& c, std::string_view email, std::string_view name, std::int64_t now) {
    user u{new_id("u_"), std::string(email), std::string(name)};
    const auto key = email.empty() ? common::db::value() : text(lower_case(email));
    c.execute(
        "INSERT INTO users (id, email, email_key, name, created_at) VALUES (CAST(:id AS TEXT), "
        "CAST(:email AS TEXT), CAST(:key AS TEXT), CAST(:name AS TEXT), CAST(:now AS INTEGER))",
        {{"id", u.id}, {"email", u.email}, {"key", key}, {"name", u.name}, {"now", now}});
    return u;
}

void upsert_membership(connection& c, std::string_view workspace_id, std::string_view user_id, role r,
                       std::int64_t now) {
    c.execute(
        "INSERT INTO memberships (workspace_id, user_id, role, created_at) VALUES (CAST(:workspace AS TEXT), "
        "CAST(:user AS TEXT), CAST(:role AS TEXT), CAST(:now AS INTEGER)) "
        "ON CONFLICT (workspace_id, user_id) DO UPDATE SET role = excluded.role",
        {{"workspace", text(workspace_id)}, {"user", text(user_id)}, {"role", text(to_string(r))}, {"now", now}});
}

bool has_workspace(connection& c) { return !c.query("SELECT id FROM workspaces LIMIT 1").empty(); }

bool is_member(connection& c, std::string_view workspace_id, std::string_view user_id) {
    return select_role(c, workspace_id, user_id).has_value();
}

std::optional<role> select_role(connection& c, std::string_view workspace_id, std::string_view user_id) {
    const auto rows = c.query(
        "SELECT role FROM memberships WHERE workspace_id = CAST(:workspace AS TEXT) AND user_id = CAST(:user AS TEXT)",
        {{"workspace", text(workspace_id)}, {"user", text(user_id)}});
    if (rows.empty()) return std::nullopt;
    return read_role(rows.front());
}

std::vector<membership> select_memberships(connection& c, std::string_view user_id) {
    std::vector<membership> all;
    for (const auto& r :
         c.query("SELECT w.id, w.name, m.role FROM memberships m JOIN workspaces w ON w.id = m.workspace_id "
                 "WHERE m.user_id = CAST(:user AS TEXT) ORDER BY w.name, w.id",
                 {{"user", text(user_id)}}))
        all.push_back({r.text("id"), r.text("name"), read_role(r)});
    return all;
}

result<workspace> store::create_workspace(std::string_view name) {
    if (!is_name(name, name_bytes_max))
        return fail(errc::invalid, "The workspace's name is empty, too long or not plain text.");
    return in_transaction(db_, [&](connection& c) -> result<workspace> { return insert_workspace(c, name, now_()); });
}

result<std::vector<workspace>> store::list_workspaces() {
    return in_transaction(db_, [](connection& c) -> result<std::vector<workspace>> {
        std::vector<workspace> all;
        for (const auto& r : c.query("SELECT id, name, created_at FROM workspaces ORDER BY created_at, id"))
            all.push_back({r.text("id"), r.text("name"), r.integer("created_at")});
        return all;
    });
}

result<user> store::create_user(std::string_view email, std::string_view name) {
    if (!is_name(name, name_bytes_max))
        return fail(errc::invalid, "The user's name is empty, too long or not plain text.");
    if (!is_plain_text(email, name_bytes_max))
        return fail(errc::invalid, "The e-mail address is too long or not plain text.");
    auto made = in_transaction(db_, [&](connection& c) -> result<user> { return insert_user(c, email, name, now_()); });
    if (!made && made.error().code == errc::already_exists)
        made.error().message = "There is a user with this e-mail address already.";
    return made;
}

result<void> store::set_membership(std::string_view workspace_id, std::string_view user_id, role r) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const auto known = [&](std::string_view sql, std::string_view id) {
            return !c.query(sql, {{"id", text(id)}}).empty();
        };
        if (!known("SELECT id FROM workspaces WHERE id = CAST(:id AS TEXT)", workspace_id))
            return fail(errc::not_found, "There is no such workspace.");
        if (!known("SELECT id FROM users WHERE id = CAST(:id AS TEXT)", user_id))
            return fail(errc::not_found, "There is no such user.");
        upsert_membership(c, workspace_id, user_id, r, now_());
        return {};
    });
}

result<user> store::find_owner(std::string_view workspace_id) {
    return in_transaction(db_, [&](connection& c) -> result<user> {
        const auto rows = c.query(
            "SELECT u.id, u.email, u.name FROM memberships m JOIN users u ON u.id = m.user_id "
            "WHERE m.workspace_id = CAST(:workspace AS TEXT) AND m.role = 'owner' "
            "ORDER BY m.created_at, u.id LIMIT 1",
            {{"workspace", text(workspace_id)}});
        if (rows.empty()) return fail(errc::not_found, "There is no such workspace, or it has no owner.");
        return user{rows.front().text("id"), rows.front().text("email"), rows.front().text("name")};
    });
}

}  // namespace hub::tenancy
