#include "hub/people/linked_accounts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hub/external/rows.hpp"
#include "hub/people/rows.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::people {

using common::db::connection;
using tenancy::errc;
using tenancy::fail;
using tenancy::in_transaction;
using tenancy::result;
using tenancy::text;

namespace {

std::vector<linked_account> query_linked(connection& c, std::string_view user_id) {
    std::vector<linked_account> all;
    for (const auto& r : c.query("SELECT id, issuer, created_at FROM external_identities WHERE "
                                 "user_id = CAST(:user AS TEXT) AND ended_at IS NULL ORDER BY created_at, id",
                                 {{"user", text(user_id)}}))
        all.push_back({r.text("id"), r.text("issuer"), r.integer("created_at")});
    return all;
}

std::int64_t count_rows(connection& c, std::string_view table, std::string_view user_id) {
    return c
        .query("SELECT COUNT(*) AS n FROM " + std::string(table) + " WHERE user_id = CAST(:user AS TEXT)",
               {{"user", text(user_id)}})
        .front()
        .integer("n");
}

bool is_one_of(const std::vector<std::string>& issuers, const linked_account& one) {
    return std::ranges::find(issuers, one.issuer) != issuers.end();
}

auto conflict() { return fail(errc::key_conflict, "Somebody else of this hub is linked with that account."); }

}  // namespace

std::int64_t count_ways_in(connection& c, std::string_view user_id, const std::vector<std::string>& issuers) {
    const auto linked = query_linked(c, user_id);
    return count_rows(c, "passwords", user_id) + count_rows(c, "passkeys", user_id) +
           std::ranges::count_if(linked, [&](const auto& one) { return is_one_of(issuers, one); });
}

std::unexpected<tenancy::error> last_way_in() {
    return fail(errc::invalid,
                "This is the only way left for you to sign in. Add another one first, and remove this one then.");
}

result<new_session> linked_accounts::sign_in(const outside_account& who, std::string_view replaced,
                                             std::string_view expected_user_id) {
    return in_transaction(db_, [&](connection& c) -> result<new_session> {
        const std::int64_t now = now_();
        const std::string way = "provider:" + who.provider_id;
        const auto row = external::query_identity(c, who.issuer, who.subject);
        if (!row) {
            note(c, "hub", "person.sign_in_failed", way, "not_linked", now);
            return fail(errc::not_found, "Nobody of this hub is linked with that account.");
        }
        if (!expected_user_id.empty() && row->user_id != expected_user_id) return conflict();
        delete_session(c, replaced);
        note(c, "user:" + row->user_id, "person.signed_in", fmt::format("{}/{}", row->user_id, way), "ok", now);
        return insert_session(c, row->user_id, now, std::min(now, who.authenticated_at));
    });
}

result<void> linked_accounts::link(std::string_view user_id, const outside_account& with) {
    if (external::find_identity_fault(with.issuer, with.subject))
        return fail(errc::invalid, "The account there has no name that could be kept.");
    auto done = in_transaction(db_, [&](connection& c) -> result<void> {
        if (const auto row = external::query_identity(c, with.issuer, with.subject)) {
            if (row->user_id != user_id) return conflict();
            return {};
        }
        if (std::ssize(query_linked(c, user_id)) >= linked_accounts_per_user_max)
            return fail(errc::invalid, "You have as many linked accounts as one can have. Remove one first.");
        external::insert_identity(c, with.issuer, with.subject, user_id, external::linked_by::person, now_());
        return {};
    });
    if (!done && done.error().code == errc::already_exists) return conflict();
    return done;
}

result<void> linked_accounts::unlink(std::string_view user_id, std::string_view id,
                                     const std::vector<std::string>& issuers) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const auto linked = query_linked(c, user_id);
        const auto which = std::ranges::find(linked, id, &linked_account::id);
        if (which == linked.end()) return fail(errc::not_found, "You are linked with no such account.");
        if (is_one_of(issuers, *which) && count_ways_in(c, user_id, issuers) <= 1) return last_way_in();
        external::end_identity(c, {which->id, std::string(user_id), {}}, external::linked_by::person, now_());
        return {};
    });
}

result<std::vector<linked_account>> linked_accounts::list(std::string_view user_id) {
    return in_transaction(
        db_, [&](connection& c) -> result<std::vector<linked_account>> { return query_linked(c, user_id); });
}

}  // namespace hub::people
