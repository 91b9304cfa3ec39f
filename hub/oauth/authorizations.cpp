// From a request at /authorize to a code: what a person decides.
#include <algorithm>

#include "common/crypto/digest.hpp"
#include "hub/identity/scopes.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/oauth/redirect_uri.hpp"
#include "hub/oauth/rows.hpp"
#include "hub/oauth/scopes.hpp"
#include "hub/oauth/secrets.hpp"
#include "hub/oauth/store.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::oauth {

namespace {

using common::db::connection;
using tenancy::bytes;
using tenancy::errc;
using tenancy::fail;
using tenancy::text;

constexpr std::string_view request_columns =
    "id, client_id, redirect_uri, state, scopes, code_challenge, audience, nonce, login_again, created_at";

std::optional<authorization_request> select_request(connection& c, std::string_view id, std::int64_t now) {
    const auto found = c.query("SELECT " + std::string(request_columns) +
                                   " FROM authorization_requests WHERE id = CAST(:id AS TEXT) AND "
                                   "created_at > CAST(:oldest AS INTEGER)",
                               {{"id", text(id)}, {"oldest", now - limits::request_ms}});
    if (found.empty()) return std::nullopt;
    const auto& row = found.front();
    authorization_request one;
    one.id = row.text("id");
    one.client_id = row.text("client_id");
    one.redirect_uri = row.text("redirect_uri");
    one.state = row.text("state");
    one.scopes = parse_scopes(row.text("scopes")).value_or(std::vector<std::string>());
    one.code_challenge = row.text("code_challenge");
    one.audience = row.text("audience");
    one.nonce = row.text("nonce");
    one.login_again = row.integer("login_again") != 0;
    one.created_at = row.integer("created_at");
    return one;
}

void remove_request(connection& c, std::string_view id) {
    c.execute("DELETE FROM authorization_requests WHERE id = CAST(:id AS TEXT)", {{"id", text(id)}});
}

std::unexpected<tenancy::error> over() {
    return fail(errc::not_found,
                "This request is over: it was decided already, or waited too long. Start again in the application.");
}

tenancy::audit_entry entry_of(const authorization_request& request, std::string_view user_id,
                              std::string_view workspace_id, std::string_view action, std::string_view result) {
    tenancy::audit_entry entry;
    entry.workspace_id = workspace_id;
    entry.actor = "user:" + std::string(user_id);
    entry.action = action;
    entry.subject = request.client_id.substr(0, 200);
    entry.result = result;
    return entry;
}

// At least one, and each a machine of these workspaces.
bool are_of(connection& c, const std::vector<std::string>& machines, const std::vector<membership>& workspaces) {
    return !machines.empty() && std::ranges::all_of(machines, [&](const std::string& id) {
        const auto found =
            c.query("SELECT workspace_id FROM machines WHERE id = CAST(:id AS TEXT)", {{"id", text(id)}});
        return !found.empty() && has_workspace(workspaces, found.front().text("workspace_id"));
    });
}

// The grant of user, client and workspace (or all of them) with these scopes; the last word counts. `workspace_id`: where
// a new one begins.
std::string upsert_grant(connection& c, const authorization_request& request, const approval& what,
                         const std::string& workspace_id, const std::vector<std::string>& scopes, std::int64_t now) {
    const std::int64_t is_for_all = what.workspace_id.empty() ? 1 : 0;
    const auto found = c.query(
        "SELECT id FROM grants WHERE user_id = CAST(:u AS TEXT) AND client_id = CAST(:c AS TEXT) AND "
        "all_workspaces = CAST(:all AS INTEGER) AND (CAST(:all AS INTEGER) = 1 OR workspace_id = CAST(:w AS TEXT)) AND "
        "revoked_at IS NULL",
        {{"u", text(what.user_id)}, {"c", text(request.client_id)}, {"all", is_for_all}, {"w", text(workspace_id)}});
    const std::string host = destination_of(request.redirect_uri);
    if (!found.empty()) {
        const std::string id = found.front().text("id");
        c.execute(
            "UPDATE grants SET scopes = CAST(:s AS TEXT), machines = CAST(:m AS TEXT), redirect_host = CAST(:h AS TEXT), "
            "used_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
            {{"s", text(join_scopes(scopes))},
             {"m", to_value(what.machines)},
             {"h", text(host)},
             {"now", now},
             {"id", text(id)}});
        return id;
    }
    const std::string id = tenancy::new_id("g_");
    c.execute(
        "INSERT INTO grants (id, user_id, client_id, workspace_id, all_workspaces, scopes, machines, redirect_host, created_at, used_at) VALUES "
        "(CAST(:id AS TEXT), CAST(:u AS TEXT), CAST(:c AS TEXT), CAST(:w AS TEXT), CAST(:all AS INTEGER), CAST(:s AS TEXT), CAST(:m AS TEXT), CAST(:h AS TEXT), "
        "CAST(:now AS INTEGER), CAST(:now AS INTEGER))",
        {{"id", text(id)},
         {"u", text(what.user_id)},
         {"c", text(request.client_id)},
         {"w", text(workspace_id)},
         {"all", is_for_all},
         {"s", text(join_scopes(scopes))},
         {"m", to_value(what.machines)},
         {"h", text(host)},
         {"now", now}});
    return id;
}

std::string insert_code(connection& c, const authorization_request& request, const std::string& grant_id,
                        const std::vector<std::string>& scopes, std::int64_t now) {
    const std::string code = new_secret(code_prefix);
    c.execute(
        "INSERT INTO authorization_codes (hash, grant_id, client_id, redirect_uri, code_challenge, scopes, audience, nonce, "
        "created_at) VALUES (CAST(:hash AS BLOB), CAST(:grant AS TEXT), CAST(:client AS TEXT), CAST(:uri AS TEXT), "
        "CAST(:challenge AS TEXT), CAST(:scopes AS TEXT), CAST(:audience AS TEXT), CAST(:nonce AS TEXT), "
        "CAST(:now AS INTEGER))",
        {{"hash", bytes(common::crypto::sha256(code))},
         {"grant", text(grant_id)},
         {"client", text(request.client_id)},
         {"uri", text(request.redirect_uri)},
         {"challenge", text(request.code_challenge)},
         {"scopes", text(join_scopes(scopes))},
         {"audience", text(request.audience)},
         {"nonce", text(request.nonce)},
         {"now", now}});
    return code;
}

}  // namespace

store::store(common::db::database& db, tenancy::clock_function now) : db_(db), now_(std::move(now)) {}

result<std::string> store::begin_authorization(const authorization_request& request) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<std::string> {
        // Anybody can begin one: the oldest gives way, so that nobody can keep the others from signing in.
        const auto open = c.query("SELECT count(*) AS n FROM authorization_requests");
        if (open.front().integer("n") >= limits::requests_open_max)
            c.execute(
                "DELETE FROM authorization_requests WHERE id IN "
                "(SELECT id FROM authorization_requests ORDER BY created_at LIMIT 100)");
        const std::string id = tenancy::new_id("ar_");
        c.execute(
            "INSERT INTO authorization_requests (id, client_id, redirect_uri, state, scopes, code_challenge, audience, nonce, "
            "login_again, created_at) VALUES (CAST(:id AS TEXT), CAST(:client AS TEXT), CAST(:uri AS TEXT), "
            "CAST(:state AS TEXT), CAST(:scopes AS TEXT), CAST(:challenge AS TEXT), CAST(:audience AS TEXT), "
            "CAST(:nonce AS TEXT), CAST(:again AS INTEGER), CAST(:now AS INTEGER))",
            {{"id", text(id)},
             {"client", text(request.client_id)},
             {"uri", text(request.redirect_uri)},
             {"state", text(request.state)},
             {"scopes", text(join_scopes(request.scopes))},
             {"challenge", text(request.code_challenge)},
             {"audience", text(request.audience)},
             {"nonce", text(request.nonce)},
             {"again", std::int64_t{request.login_again ? 1 : 0}},
             {"now", now_()}});
        return id;
    });
}

result<authorization_request> store::find_authorization(std::string_view id) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<authorization_request> {
        auto found = select_request(c, id, now_());
        if (!found) return over();
        return std::move(*found);
    });
}

result<std::string> store::approve(std::string_view id, const approval& what) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<std::string> {
        const auto now = now_();
        const auto request = select_request(c, id, now);
        if (!request) return over();
        const auto reach = select_reach(c, what.user_id, what.workspace_id, what.workspace_id.empty());
        if (reach.empty()) return fail(errc::not_found, "You are no member of that workspace.");
        const auto resource = c.query("SELECT workspace_id FROM resource_servers WHERE url = CAST(:url AS TEXT)",
                                      {{"url", text(request->audience)}});
        if (!resource.empty() && resource.front().text("workspace_id") != what.workspace_id)
            return fail(errc::not_found, "That resource belongs to another workspace.");
        auto scopes =
            identity::scopes_in_both(what.scopes, identity::effective_scopes(request->scopes, highest_role(reach)));
        if (scopes.empty())
            return fail(errc::invalid, "Allow at least one thing that you may do in that workspace, or refuse.");
        std::ranges::copy_if(request->scopes, std::back_inserter(scopes), is_about_tokens);
        if (what.machines && !are_of(c, *what.machines, reach))
            return fail(errc::invalid, "Choose among the machines of that workspace, or all of them.");
        const std::string grant_id = upsert_grant(c, *request, what, reach.front().workspace_id, scopes, now);
        mark_client_used(c, request->client_id, now);
        remove_request(c, id);

        const std::string code = insert_code(c, *request, grant_id, scopes, now);
        for (const auto& one : reach)
            tenancy::insert_audit(c, entry_of(*request, what.user_id, one.workspace_id, "grant.allowed", "ok"), now);
        return code;
    });
}

result<std::string> store::renew(const authorization_request& request, const grant& as) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<std::string> {
        const auto now = now_();
        const auto reach = select_reach(c, as.user_id, as.workspace_id, as.all_workspaces);
        if (reach.empty()) return fail(errc::not_found, "You are no member of that workspace.");
        mark_client_used(c, request.client_id, now);
        for (const auto& one : reach)
            tenancy::insert_audit(c, entry_of(request, as.user_id, one.workspace_id, "grant.renewed", "ok"), now);
        return insert_code(c, request, as.id, request.scopes, now);
    });
}

result<authorization_request> store::deny(std::string_view id, std::string_view user_id) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<authorization_request> {
        const auto now = now_();
        auto request = select_request(c, id, now);
        if (!request) return over();
        remove_request(c, id);
        tenancy::insert_audit(c, entry_of(*request, user_id, "", "grant.refused", "access_denied"), now);
        return std::move(*request);
    });
}

result<std::vector<membership>> store::memberships_of(std::string_view user_id) {
    return tenancy::in_transaction(
        db_, [&](connection& c) -> result<std::vector<membership>> { return tenancy::select_memberships(c, user_id); });
}

result<std::vector<machine_choice>> store::machines_of(std::string_view user_id, int at_most) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<std::vector<machine_choice>> {
        std::vector<machine_choice> all;
        for (const auto& row :
             c.query("SELECT m.id, m.name, w.id AS workspace_id, w.name AS workspace_name FROM machines m "
                     "JOIN workspaces w ON w.id = m.workspace_id JOIN memberships p ON p.workspace_id = w.id "
                     "WHERE p.user_id = CAST(:u AS TEXT) AND m.state <> 'revoked' ORDER BY w.name, m.name, m.id "
                     "LIMIT CAST(:most AS INTEGER)",
                     {{"u", text(user_id)}, {"most", std::int64_t{at_most}}}))
            all.push_back({row.text("id"), row.text("name"), row.text("workspace_id"), row.text("workspace_name")});
        return all;
    });
}

result<std::vector<grant>> store::grants_of(std::string_view user_id, std::string_view client_id) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<std::vector<grant>> {
        std::vector<grant> all;
        for (
            const auto& row : c.query(
                "SELECT g.id, g.client_id, g.workspace_id, g.all_workspaces, g.scopes, g.machines, g.redirect_host, g.created_at, g.used_at, "
                "o.name AS client_name, w.name AS workspace_name FROM grants g JOIN oauth_clients o ON o.id = g.client_id "
                "JOIN workspaces w ON w.id = g.workspace_id WHERE g.user_id = CAST(:u AS TEXT) AND g.revoked_at IS NULL "
                "AND (CAST(:c AS TEXT) = '' OR g.client_id = CAST(:c AS TEXT)) ORDER BY g.created_at, g.id",
                {{"u", text(user_id)}, {"c", text(client_id)}})) {
            grant one;
            one.id = row.text("id");
            one.user_id = user_id;
            one.client_id = row.text("client_id");
            one.client_name = row.text("client_name");
            one.workspace_id = row.text("workspace_id");
            one.workspace_name = row.text("workspace_name");
            one.all_workspaces = row.integer("all_workspaces") != 0;
            one.redirect_host = row.text("redirect_host");
            one.scopes = parse_scopes(row.text("scopes")).value_or(std::vector<std::string>());
            one.machines = read_machines(row, "machines");
            one.created_at = row.integer("created_at");
            one.used_at = row.integer("used_at");
            all.push_back(std::move(one));
        }
        return all;
    });
}

}  // namespace hub::oauth
