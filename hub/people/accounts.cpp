// Who has an account and a password, and signing in with it.
#include <algorithm>

#include "hub/people/rows.hpp"
#include "hub/people/store.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "proto/limits.hpp"

namespace hub::people {

using common::db::connection;
using tenancy::errc;
using tenancy::fail;
using tenancy::in_transaction;
using tenancy::result;
using tenancy::text;

namespace {

bool has_password(connection& c, std::string_view user_id, std::string_view hash) {
    return !c.query("SELECT user_id FROM passwords WHERE user_id = CAST(:user AS TEXT) AND hash = CAST(:hash AS TEXT)",
                    {{"user", text(user_id)}, {"hash", text(hash)}})
                .empty();
}

}  // namespace

bool is_email(std::string_view email) {
    const auto at = email.find('@');
    return tenancy::is_plain_text(email, proto::limits::name_bytes_max) && at != std::string_view::npos && at > 0 &&
           at + 1 < email.size() && std::ranges::count(email, '@') == 1 && !email.contains(' ');
}

std::optional<account> query_account(connection& c, std::string_view column, std::string_view value) {
    const auto rows =
        c.query("SELECT u.id, u.email, u.name, p.hash FROM users u LEFT JOIN passwords p ON p.user_id = u.id WHERE u." +
                    std::string(column) + " = CAST(:value AS TEXT)",
                {{"value", text(value)}});
    if (rows.empty()) return std::nullopt;
    const auto& r = rows.front();
    return account{{r.text("id"), r.text("email"), r.text("name")}, r.maybe_text("hash").value_or("")};
}

void upsert_password(connection& c, std::string_view user_id, std::string_view hash, std::int64_t now) {
    c.execute(
        "INSERT INTO passwords (user_id, hash, changed_at) VALUES (CAST(:user AS TEXT), CAST(:hash AS TEXT), "
        "CAST(:now AS INTEGER)) ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at",
        {{"user", text(user_id)}, {"hash", text(hash)}, {"now", now}});
}

void note(connection& c, std::string_view actor, std::string_view action, std::string_view subject,
          std::string_view outcome, std::int64_t now) {
    tenancy::audit_entry entry;
    entry.actor = actor;
    entry.action = action;
    entry.subject = subject;
    entry.result = outcome;
    tenancy::insert_audit(c, entry, now);
}

result<account> store::find_account(std::string_view email) {
    return in_transaction(db_, [&](connection& c) -> result<account> {
        auto found = query_account(c, "email_key", tenancy::lower_case(email));
        if (!found) return fail(errc::not_found, "There is no account of this e-mail address.");
        return std::move(*found);
    });
}

result<account> store::get_account(std::string_view user_id) {
    return in_transaction(db_, [&](connection& c) -> result<account> {
        auto found = query_account(c, "id", user_id);
        if (!found) return fail(errc::not_found, "There is no such user.");
        return std::move(*found);
    });
}

result<std::vector<tenancy::membership>> store::list_memberships(std::string_view user_id) {
    return in_transaction(db_, [&](connection& c) -> result<std::vector<tenancy::membership>> {
        return tenancy::select_memberships(c, user_id);
    });
}

result<new_session> store::sign_in(std::string_view user_id, std::string_view verified_hash,
                                   std::string_view replaced) {
    return in_transaction(db_, [&](connection& c) -> result<new_session> {
        if (!has_password(c, user_id, verified_hash))
            return fail(errc::not_found, "The password was changed at this moment. Sign in with the new one.");
        delete_session(c, replaced);
        note(c, "user:" + std::string(user_id), "person.signed_in", user_id, "ok", now_());
        return insert_session(c, user_id, now_());
    });
}

result<void> store::note_failed_sign_in(std::string_view user_id) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        note(c, "hub", "person.sign_in_failed", user_id, "refused", now_());
        return {};
    });
}

result<new_session> store::change_password(std::string_view user_id, std::string_view verified_hash,
                                           std::string_view new_hash) {
    return in_transaction(db_, [&](connection& c) -> result<new_session> {
        if (!has_password(c, user_id, verified_hash))
            return fail(errc::not_found, "The password was changed at this moment already.");
        upsert_password(c, user_id, new_hash, now_());
        delete_sessions(c, user_id);
        note(c, "user:" + std::string(user_id), "person.password_changed", user_id, "ok", now_());
        return insert_session(c, user_id, now_());
    });
}

}  // namespace hub::people
