// One-time links, "czl_…": an owner's first sign-in, a reset by the operator, an invitation into a workspace.
#include <array>
#include <stdexcept>

#include "common/crypto/digest.hpp"
#include "common/crypto/random.hpp"
#include "hub/external/rows.hpp"
#include "hub/people/rows.hpp"
#include "hub/people/store.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "proto/limits.hpp"

namespace hub::people {

using common::db::connection;
using tenancy::bytes;
using tenancy::errc;
using tenancy::fail;
using tenancy::in_transaction;
using tenancy::result;
using tenancy::text;

namespace {

constexpr std::array<std::string_view, 3> kind_names{"owner", "reset", "invitation"};
constexpr std::int64_t kept_ms = 30LL * 24 * 3600 * 1000;

struct link_row {
    link what;
    std::string workspace_id;
};

link_kind parse_kind(std::string_view name) {
    for (std::size_t i = 0; i < kind_names.size(); ++i)
        if (kind_names[i] == name) return static_cast<link_kind>(i);
    throw std::logic_error("a link has an unknown kind");
}

struct link_values {
    link_kind kind = link_kind::reset;
    common::db::value user_id;
    common::db::value workspace_id;
    std::string_view email;
    std::string_view role;
    std::int64_t ttl_ms = 0;
};

new_link insert_link(connection& c, const link_values& v, std::int64_t now) {
    c.execute("DELETE FROM one_time_links WHERE expires_at < CAST(:old AS INTEGER)", {{"old", now - kept_ms}});
    new_link made{"czl_" + common::crypto::random_token(40), now + v.ttl_ms};
    c.execute(
        "INSERT INTO one_time_links (hash, kind, user_id, workspace_id, email, role, created_at, expires_at) VALUES ("
        "CAST(:hash AS BLOB), CAST(:kind AS TEXT), CAST(:user AS TEXT), CAST(:workspace AS TEXT), CAST(:email AS TEXT), "
        "CAST(:role AS TEXT), CAST(:now AS INTEGER), CAST(:expires AS INTEGER))",
        {{"hash", bytes(common::crypto::sha256(made.secret))},
         {"kind", text(to_string(v.kind))},
         {"user", v.user_id},
         {"workspace", v.workspace_id},
         {"email", text(v.email)},
         {"role", text(v.role)},
         {"now", now},
         {"expires", made.expires_at}});
    return made;
}

std::optional<link_row> query_link(connection& c, std::string_view hash, std::int64_t now) {
    const auto rows = c.query(
        "SELECT l.kind, l.user_id, l.workspace_id, l.email, l.role, w.name FROM one_time_links l "
        "LEFT JOIN workspaces w ON w.id = l.workspace_id WHERE l.hash = CAST(:hash AS BLOB) AND l.used_at IS NULL "
        "AND l.expires_at > CAST(:now AS INTEGER)",
        {{"hash", bytes(hash)}, {"now", now}});
    if (rows.empty()) return std::nullopt;
    const auto& r = rows.front();
    link_row found;
    found.what.kind = parse_kind(r.text("kind"));
    found.what.email = r.text("email");
    found.what.workspace_name = r.maybe_text("name").value_or("");
    found.what.role = tenancy::parse_role(r.text("role")).value_or(tenancy::role::viewer);
    found.workspace_id = r.maybe_text("workspace_id").value_or("");
    if (found.what.kind == link_kind::invitation)
        found.what.whose = query_account(c, "email_key", tenancy::lower_case(found.what.email));
    else
        found.what.whose = query_account(c, "id", r.text("user_id"));
    return found;
}

auto no_link() { return fail(errc::not_found, "This link was used already, or it is too old. Ask for a new one."); }

// The one statement that decides who was first.
bool take_link(connection& c, std::string_view hash, std::int64_t now) {
    return c.execute(
               "UPDATE one_time_links SET used_at = CAST(:now AS INTEGER) WHERE hash = CAST(:hash AS BLOB) "
               "AND used_at IS NULL AND expires_at > CAST(:now AS INTEGER)",
               {{"now", now}, {"hash", bytes(hash)}}) == 1;
}

void end_other_links(connection& c, std::string_view user_id, std::int64_t now) {
    c.execute(
        "UPDATE one_time_links SET used_at = CAST(:now AS INTEGER) WHERE user_id = CAST(:user AS TEXT) "
        "AND used_at IS NULL",
        {{"now", now}, {"user", text(user_id)}});
}

void set_email(connection& c, std::string_view user_id, std::string_view email) {
    c.execute(
        "UPDATE users SET email = CAST(:email AS TEXT), email_key = CAST(:key AS TEXT) WHERE id = CAST(:id AS TEXT)",
        {{"email", text(email)}, {"key", tenancy::lower_case(email)}, {"id", text(user_id)}});
}

// Whoever had got into the account may have left a way in of their own.
void end_ways_in(connection& c, std::string_view user_id, std::int64_t now) {
    for (const auto* table : {"web_sessions", "passkeys", "passwords"})
        c.execute("DELETE FROM " + std::string(table) + " WHERE user_id = CAST(:user AS TEXT)",
                  {{"user", text(user_id)}});
    external::end_persons_identities(c, user_id, now);
    end_other_links(c, user_id, now);
}

// The user that the link is for, made where there is none.
std::string settle_user(connection& c, const link_row& found, const introduction& who, std::int64_t now) {
    if (found.what.whose) {
        if (found.what.whose->user.email.empty()) set_email(c, found.what.whose->user.id, who.email);
        return found.what.whose->user.id;
    }
    const auto made = tenancy::insert_user(c, found.what.email, who.name, now);
    tenancy::upsert_membership(c, found.workspace_id, made.id, found.what.role, now);
    return made.id;
}

// May that account become a way in for who uses the link? Nobody has it, or the same person.
result<void> check_free(connection& c, const link& what, const outside_account& with) {
    if (const auto fault = external::find_identity_fault(with.issuer, with.subject))
        return fail(errc::invalid, "The account there has no name that could be kept.");
    const auto row = external::query_identity(c, with.issuer, with.subject);
    if (row && (!what.whose || what.whose->user.id != row->user_id))
        return fail(errc::key_conflict, "Somebody of this hub is linked with that account already.");
    return {};
}

// Settles all but the new way in, which `secure` makes.
template <class Check, class Secure>
result<new_session> settle(common::db::database& db, std::string_view hash, const introduction& who, std::int64_t now,
                           Check check, Secure secure) {
    auto done = in_transaction(db, [&](connection& c) -> result<new_session> {
        const auto found = query_link(c, hash, now);
        if (!found) return no_link();
        if (auto fault = find_introduction_fault(found->what, who)) return fail(errc::invalid, std::move(*fault));
        if (auto checked = check(c, found->what); !checked) return std::unexpected(std::move(checked.error()));
        if (!take_link(c, hash, now)) return no_link();
        const std::string user_id = settle_user(c, *found, who, now);
        end_ways_in(c, user_id, now);
        note(c, "user:" + user_id, "person.link_used", user_id, to_string(found->what.kind), now);
        return insert_session(c, user_id, now, secure(c, user_id));
    });
    if (!done && done.error().code == errc::already_exists)
        done.error().message = "There is another account of this e-mail address.";
    return done;
}

}  // namespace

std::optional<std::string> find_introduction_fault(const link& what, const introduction& who) {
    if (what.kind == link_kind::invitation && what.whose)
        return "There is an account of this e-mail address. Sign in to accept the invitation.";
    if (!what.whose && !tenancy::is_name(who.name, proto::limits::name_bytes_max))
        return "Your name is missing, too long or not plain text.";
    if (what.whose && what.whose->user.email.empty() && !is_email(who.email)) return "That is no e-mail address.";
    return std::nullopt;
}

std::string_view to_string(link_kind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }

result<new_link> store::make_sign_in_link(std::string_view user_id, link_kind kind, std::string_view actor) {
    return in_transaction(db_, [&](connection& c) -> result<new_link> {
        if (!query_account(c, "id", user_id)) return fail(errc::not_found, "There is no such user.");
        const std::int64_t now = now_();
        note(c, actor, "person.link_made", user_id, to_string(kind), now);
        return insert_link(c,
                           {.kind = kind,
                            .user_id = text(user_id),
                            .workspace_id = {},
                            .email = {},
                            .role = {},
                            .ttl_ms = sign_in_link_ms},
                           now);
    });
}

result<new_link> store::invite(std::string_view workspace_id, std::string_view email, tenancy::role role,
                               std::string_view actor) {
    if (!is_email(email)) return fail(errc::invalid, "That is no e-mail address.");
    return in_transaction(db_, [&](connection& c) -> result<new_link> {
        if (c.query("SELECT id FROM workspaces WHERE id = CAST(:id AS TEXT)", {{"id", text(workspace_id)}}).empty())
            return fail(errc::not_found, "There is no such workspace.");
        const std::int64_t now = now_();
        note(c, actor, "person.link_made", workspace_id, to_string(link_kind::invitation), now);
        return insert_link(c,
                           {.kind = link_kind::invitation,
                            .user_id = {},
                            .workspace_id = text(workspace_id),
                            .email = email,
                            .role = tenancy::to_string(role),
                            .ttl_ms = invitation_ms},
                           now);
    });
}

result<link> store::find_link(std::string_view hash) {
    return in_transaction(db_, [&](connection& c) -> result<link> {
        auto found = query_link(c, hash, now_());
        if (!found) return no_link();
        return std::move(found->what);
    });
}

result<new_session> store::use_link(std::string_view hash, const introduction& who) {
    const std::int64_t now = now_();
    return settle(
        db_, hash, who, now, [](connection&, const link&) { return result<void>(); },
        [&](connection& c, const std::string& user_id) {
            upsert_password(c, user_id, who.password_hash, now);
            return now;
        });
}

result<new_session> store::use_link(std::string_view hash, const introduction& who, const outside_account& with) {
    const std::int64_t now = now_();
    return settle(
        db_, hash, who, now, [&](connection& c, const link& what) { return check_free(c, what, with); },
        [&](connection& c, const std::string& user_id) {
            // A link that an operator made has stayed.
            if (!external::query_identity(c, with.issuer, with.subject))
                external::insert_identity(c, with.issuer, with.subject, user_id, external::linked_by::person, now);
            return with.authenticated_at;
        });
}

result<void> store::accept_invitation(std::string_view hash, std::string_view user_id) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const std::int64_t now = now_();
        const auto found = query_link(c, hash, now);
        if (!found || found->what.kind != link_kind::invitation || !found->what.whose ||
            found->what.whose->user.id != user_id)
            return no_link();
        if (!take_link(c, hash, now)) return no_link();
        if (!tenancy::is_member(c, found->workspace_id, user_id))
            tenancy::upsert_membership(c, found->workspace_id, user_id, found->what.role, now);
        note(c, "user:" + std::string(user_id), "person.link_used", user_id, to_string(link_kind::invitation), now);
        return {};
    });
}

}  // namespace hub::people
