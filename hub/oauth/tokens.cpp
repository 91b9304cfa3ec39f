// Codes become tokens, refresh tokens become new ones; what was revoked stays so.
#include <algorithm>

#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "hub/identity/scopes.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/oauth/rows.hpp"
#include "hub/oauth/scopes.hpp"
#include "hub/oauth/secrets.hpp"
#include "hub/oauth/store.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::oauth {

namespace {

using common::crypto::constant_time_equal;
using common::crypto::sha256;
using common::db::connection;
using tenancy::bytes;
using tenancy::errc;
using tenancy::fail;
using tenancy::text;

using outcome = std::expected<issued_tokens, token_refusal>;

std::unexpected<token_refusal> refused(token_refusal why) { return std::unexpected(why); }

// RFC 7636 §4.1, §4.6.
bool fits(std::string_view verifier, std::string_view challenge) {
    const bool formed = verifier.size() >= 43 && verifier.size() <= 128 && std::ranges::all_of(verifier, [](char c) {
                            return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                                   std::string_view("-._~").find(c) != std::string_view::npos;
                        });
    return formed && constant_time_equal(common::crypto::base64url_encode(sha256(verifier)), challenge);
}

void insert_access_token(connection& c, std::string_view token, std::string_view family_id,
                         const std::vector<std::string>& scopes, std::int64_t now) {
    c.execute(
        "INSERT INTO access_tokens (hash, family_id, scopes, issued_at, expires_at) VALUES (CAST(:hash AS BLOB), "
        "CAST(:family AS TEXT), CAST(:scopes AS TEXT), CAST(:now AS INTEGER), CAST(:until AS INTEGER))",
        {{"hash", bytes(sha256(token))},
         {"family", text(family_id)},
         {"scopes", text(join_scopes(scopes))},
         {"now", now},
         {"until", now + limits::access_token_ms}});
}

// A new pair in the family; the client and the grant are in use.
issued_tokens issue(connection& c, const family& of, const std::vector<std::string>& scopes, std::int64_t now) {
    issued_tokens pair;
    pair.access_token = new_secret(access_token_prefix);
    pair.refresh_token = new_secret(refresh_token_prefix);
    pair.scopes = scopes;
    pair.grant_id = of.grant_id;
    pair.user_id = of.user_id;
    insert_access_token(c, pair.access_token, of.id, scopes, now);
    c.execute(
        "INSERT INTO refresh_tokens (hash, family_id, issued_at, replays) VALUES (CAST(:hash AS BLOB), "
        "CAST(:family AS TEXT), CAST(:now AS INTEGER), 0)",
        {{"hash", bytes(sha256(pair.refresh_token))}, {"family", text(of.id)}, {"now", now}});
    c.execute("UPDATE token_families SET used_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
              {{"now", now}, {"id", text(of.id)}});
    c.execute("UPDATE grants SET used_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
              {{"now", now}, {"id", text(of.grant_id)}});
    mark_client_used(c, of.client_id, now);
    return pair;
}

std::string insert_family(connection& c, std::string_view grant_id, std::string_view audience, std::int64_t now) {
    const std::string id = tenancy::new_id("f_");
    c.execute(
        "INSERT INTO token_families (id, grant_id, audience, created_at, used_at) VALUES (CAST(:id AS TEXT), "
        "CAST(:grant AS TEXT), CAST(:audience AS TEXT), CAST(:now AS INTEGER), CAST(:now AS INTEGER))",
        {{"id", text(id)}, {"grant", text(grant_id)}, {"audience", text(audience)}, {"now", now}});
    return id;
}

outcome redeem_in(connection& c, const code_exchange& what, std::int64_t now) {
    const auto hash = bytes(sha256(what.code));
    const auto found = c.query(
        "SELECT grant_id, client_id, redirect_uri, code_challenge, scopes, audience, nonce, created_at, used_at, family_id "
        "FROM authorization_codes WHERE hash = CAST(:hash AS BLOB)",
        {{"hash", hash}});
    if (found.empty()) return refused(token_refusal::invalid_grant);
    const auto& row = found.front();
    // Somebody else's code tells nothing, and is not touched.
    if (row.text("client_id") != what.client_id) return refused(token_refusal::invalid_grant);
    if (!row.is_null("used_at")) {
        // RFC 6749 §4.1.2: a code that comes twice was stolen from one of the two.
        if (const auto of = select_family(c, row.text("family_id"))) end_family(c, *of, "grant.code_reused", now);
        return refused(token_refusal::invalid_grant);
    }
    if (row.integer("created_at") + limits::code_ms <= now) return refused(token_refusal::invalid_grant);
    if (row.text("redirect_uri") != what.redirect_uri || !fits(what.code_verifier, row.text("code_challenge")))
        return refused(token_refusal::invalid_grant);
    if (!what.audience.empty() && what.audience != row.text("audience")) return refused(token_refusal::invalid_target);

    const std::string family_id = insert_family(c, row.text("grant_id"), row.text("audience"), now);
    c.execute(
        "UPDATE authorization_codes SET used_at = CAST(:now AS INTEGER), family_id = CAST(:family AS TEXT) "
        "WHERE hash = CAST(:hash AS BLOB)",
        {{"now", now}, {"family", text(family_id)}, {"hash", hash}});
    const auto of = select_family(c, family_id);
    if (of->revoked) return refused(token_refusal::invalid_grant);
    auto pair = issue(
        c, *of, identity::scopes_in_both(parse_scopes(row.text("scopes")).value_or(of->grant_scopes), of->grant_scopes),
        now);
    pair.nonce = row.text("nonce");
    return pair;
}

outcome refresh_in(connection& c, const refresh_exchange& what, std::int64_t now) {
    const auto hash = bytes(sha256(what.refresh_token));
    const auto found =
        c.query("SELECT family_id, superseded_at, replays FROM refresh_tokens WHERE hash = CAST(:hash AS BLOB)",
                {{"hash", hash}});
    if (found.empty()) return refused(token_refusal::invalid_grant);
    const auto& row = found.front();
    const auto of = select_family(c, row.text("family_id"));
    if (!of || of->revoked || of->client_id != what.client_id) return refused(token_refusal::invalid_grant);
    if (select_reach(c, of->user_id, of->workspace_id, of->all_workspaces).empty())
        return refused(token_refusal::invalid_grant);
    if (of->used_at + limits::refresh_idle_ms <= now || of->created_at + limits::refresh_absolute_ms <= now)
        return refused(token_refusal::invalid_grant);

    const auto superseded_at = row.maybe_integer("superseded_at");
    if (superseded_at &&
        (*superseded_at + limits::refresh_grace_ms < now || row.integer("replays") >= limits::refresh_replays_max)) {
        end_family(c, *of, "grant.refresh_reused", now);
        return refused(token_refusal::invalid_grant);
    }
    if (!what.audience.empty() && what.audience != of->audience) return refused(token_refusal::invalid_target);
    if (!are_within(what.scopes, of->grant_scopes)) return refused(token_refusal::invalid_scope);
    if (superseded_at)
        c.execute("UPDATE refresh_tokens SET replays = replays + 1 WHERE hash = CAST(:hash AS BLOB)", {{"hash", hash}});
    else
        c.execute("UPDATE refresh_tokens SET superseded_at = CAST(:now AS INTEGER) WHERE hash = CAST(:hash AS BLOB)",
                  {{"now", now}, {"hash", hash}});
    return issue(c, *of, what.scopes.empty() ? of->grant_scopes : what.scopes, now);
}

std::optional<std::string> family_of_token(connection& c, std::string_view token) {
    for (const char* table : {"access_tokens", "refresh_tokens"}) {
        const auto found = c.query(std::string("SELECT family_id FROM ") + table + " WHERE hash = CAST(:hash AS BLOB)",
                                   {{"hash", bytes(sha256(token))}});
        if (!found.empty()) return found.front().text("family_id");
    }
    return std::nullopt;
}

}  // namespace

token_result store::redeem(const code_exchange& what) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<outcome> { return redeem_in(c, what, now_()); });
}

token_result store::refresh(const refresh_exchange& what) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<outcome> { return refresh_in(c, what, now_()); });
}

result<token_grant> store::find_access_token(std::string_view hash) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<token_grant> {
        const auto found = c.query(
            "SELECT a.scopes, a.issued_at, a.expires_at, f.audience, f.revoked_at, g.id AS grant_id, g.client_id, g.user_id, "
            "g.workspace_id, g.all_workspaces, g.machines, g.scopes AS grant_scopes, g.revoked_at AS grant_revoked_at, u.name, u.email "
            "FROM access_tokens a JOIN token_families f ON f.id = a.family_id JOIN grants g ON g.id = f.grant_id "
            "JOIN users u ON u.id = g.user_id WHERE a.hash = CAST(:hash AS BLOB)",
            {{"hash", bytes(hash)}});
        if (found.empty()) return fail(errc::not_found, "There is no such token.");
        const auto& row = found.front();
        const bool is_for_all = row.integer("all_workspaces") != 0;
        auto reach = select_reach(c, row.text("user_id"), row.text("workspace_id"), is_for_all);
        if (reach.empty()) return fail(errc::not_found, "There is no such token.");
        const auto scopes_in = [&row](const char* column) {
            return parse_scopes(row.text(column)).value_or(std::vector<std::string>());
        };
        token_grant one;
        one.grant_id = row.text("grant_id");
        one.client_id = row.text("client_id");
        one.user_id = row.text("user_id");
        one.user_name = row.text("name");
        one.user_email = row.text("email");
        one.workspace_id =
            has_workspace(reach, row.text("workspace_id")) ? row.text("workspace_id") : reach.front().workspace_id;
        one.audience = row.text("audience");
        one.scopes = identity::scopes_in_both(scopes_in("scopes"), scopes_in("grant_scopes"));
        one.machines = read_machines(row, "machines");
        one.role = highest_role(reach);
        if (is_for_all) one.workspaces = std::move(reach);
        one.issued_at = row.integer("issued_at");
        one.expires_at = row.integer("expires_at");
        one.revoked = !row.is_null("revoked_at") || !row.is_null("grant_revoked_at");
        return one;
    });
}

result<void> store::revoke_token(std::string_view client_id, std::string_view token) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<void> {
        const auto id = family_of_token(c, token);
        const auto of = id ? select_family(c, *id) : std::nullopt;
        if (of && of->client_id == client_id) end_family(c, *of, "grant.token_revoked", now_());
        return {};
    });
}

result<void> store::revoke_grant(std::string_view user_id, std::string_view grant_id) {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<void> {
        const auto now = now_();
        const auto found = c.query(
            "SELECT workspace_id, all_workspaces, client_id FROM grants WHERE id = CAST(:id AS TEXT) AND user_id = CAST(:u AS TEXT) "
            "AND revoked_at IS NULL",
            {{"id", text(grant_id)}, {"u", text(user_id)}});
        if (found.empty()) return fail(errc::not_found, "This application has no access any more.");
        c.execute("UPDATE grants SET revoked_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
                  {{"now", now}, {"id", text(grant_id)}});
        tenancy::audit_entry entry;
        entry.actor = "user:" + std::string(user_id);
        entry.action = "grant.revoked";
        entry.subject = grant_id;
        entry.result = "ok";
        const auto& row = found.front();
        for (const auto& one : select_reach(c, user_id, row.text("workspace_id"), row.integer("all_workspaces") != 0)) {
            entry.workspace_id = one.workspace_id;
            tenancy::insert_audit(c, entry, now);
        }
        return {};
    });
}

result<std::vector<std::string>> store::list_ended_grants() {
    // What the other families of a grant have open ends too, and may be opened again: only for a moment.
    constexpr std::int64_t family_told_ms = 5000;
    return tenancy::in_transaction(db_, [&](connection& c) -> result<std::vector<std::string>> {
        std::vector<std::string> ids;
        const auto now = now_();
        for (const auto& row :
             c.query("SELECT id FROM grants WHERE revoked_at > CAST(:grants AS INTEGER) UNION "
                     "SELECT grant_id FROM token_families WHERE revoked_at > CAST(:families AS INTEGER)",
                     {{"grants", now - limits::hour_ms}, {"families", now - family_told_ms}}))
            ids.push_back(row.text("id"));
        return ids;
    });
}

result<void> store::prune() {
    return tenancy::in_transaction(db_, [&](connection& c) -> result<void> {
        const auto now = now_();
        const auto remove = [&](std::string_view what, std::int64_t before) {
            c.execute("DELETE FROM " + std::string(what), {{"before", before}});
        };
        remove("authorization_requests WHERE created_at <= CAST(:before AS INTEGER)", now - limits::request_ms);
        remove("device_authorizations WHERE created_at <= CAST(:before AS INTEGER)", now - limits::device_ms);
        // Used codes stay a while, so that one that comes again is known.
        remove("authorization_codes WHERE created_at <= CAST(:before AS INTEGER)", now - limits::hour_ms);
        remove("access_tokens WHERE expires_at <= CAST(:before AS INTEGER)", now - limits::minute_ms);
        constexpr std::string_view ended_family =
            "(SELECT id FROM token_families WHERE used_at <= CAST(:before AS INTEGER))";
        for (const std::string_view table : {"access_tokens", "refresh_tokens", "authorization_codes"})
            remove(std::string(table) + " WHERE family_id IN " + std::string(ended_family),
                   now - limits::refresh_idle_ms);
        remove("token_families WHERE used_at <= CAST(:before AS INTEGER)", now - limits::refresh_idle_ms);
        remove(
            "oauth_clients WHERE kind IN ('registered', 'document') AND used_at IS NULL AND created_at <= CAST(:before AS INTEGER) "
            "AND id NOT IN (SELECT client_id FROM authorization_requests)",
            now - limits::client_unused_ms);
        remove(
            "oauth_clients WHERE kind IN ('registered', 'document') AND used_at <= CAST(:before AS INTEGER) "
            "AND id NOT IN (SELECT client_id FROM grants)",
            now - limits::client_idle_ms);
        return {};
    });
}

}  // namespace hub::oauth
