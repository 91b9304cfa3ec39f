#include "hub/external/identities.hpp"

#include <fmt/format.h>

#include "hub/external/rows.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::external {

using common::db::connection;
using tenancy::errc;
using tenancy::fail;
using tenancy::in_transaction;
using tenancy::result;
using tenancy::text;

namespace {

constexpr std::size_t issuer_bytes_max = 2048;
constexpr std::size_t subject_bytes_max = 255;

std::string actor_of(linked_by who, std::string_view user_id) {
    return who == linked_by::person ? fmt::format("user:{}", user_id) : "hub";
}

void note(connection& c, linked_by who, std::string_view action, std::string_view user_id, std::string_view identity_id,
          std::int64_t now) {
    tenancy::audit_entry entry;
    entry.actor = actor_of(who, user_id);
    entry.action = action;
    entry.subject = fmt::format("{}/{}", user_id, identity_id);
    entry.result = "ok";
    tenancy::insert_audit(c, entry, now);
}

auto nobody() { return fail(errc::not_found, "Nobody of the hub is linked with that identity."); }

}  // namespace

std::optional<std::string> find_identity_fault(std::string_view issuer, std::string_view subject) {
    if (issuer.empty() || !tenancy::is_plain_text(issuer, issuer_bytes_max))
        return "The issuer must be the authorization server's URL.";
    if (subject.empty() || !tenancy::is_plain_text(subject, subject_bytes_max))
        return "The subject must be the \"sub\" of the person's tokens, at most 255 bytes.";
    return std::nullopt;
}

std::optional<identity_row> query_identity(connection& c, std::string_view issuer, std::string_view subject) {
    const auto rows = c.query(
        "SELECT x.id, x.user_id, u.name FROM external_identities x JOIN users u ON u.id = x.user_id "
        "WHERE x.issuer = CAST(:issuer AS TEXT) AND x.subject = CAST(:subject AS TEXT) AND x.ended_at IS NULL",
        {{"issuer", text(issuer)}, {"subject", text(subject)}});
    if (rows.empty()) return std::nullopt;
    return identity_row{rows.front().text("id"), rows.front().text("user_id"), rows.front().text("name")};
}

std::string insert_identity(connection& c, std::string_view issuer, std::string_view subject, std::string_view user_id,
                            linked_by who, std::int64_t now) {
    const std::string id = tenancy::new_id("x_");
    c.execute(
        "INSERT INTO external_identities (id, issuer, subject, user_id, created_at, by_person) VALUES "
        "(CAST(:id AS TEXT), CAST(:issuer AS TEXT), CAST(:subject AS TEXT), CAST(:user AS TEXT), "
        "CAST(:now AS INTEGER), CAST(:person AS INTEGER))",
        {{"id", id},
         {"issuer", text(issuer)},
         {"subject", text(subject)},
         {"user", text(user_id)},
         {"now", now},
         {"person", std::int64_t{who == linked_by::person}}});
    note(c, who, "identity.linked", user_id, id, now);
    return id;
}

void end_identity(connection& c, const identity_row& which, linked_by who, std::int64_t now) {
    c.execute("UPDATE external_identities SET ended_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
              {{"now", now}, {"id", which.id}});
    note(c, who, "identity.unlinked", which.user_id, which.id, now);
}

void end_persons_identities(connection& c, std::string_view user_id, std::int64_t now) {
    for (const auto& r : c.query("SELECT id FROM external_identities WHERE user_id = CAST(:user AS TEXT) AND "
                                 "by_person = 1 AND ended_at IS NULL",
                                 {{"user", text(user_id)}}))
        end_identity(c, {r.text("id"), std::string(user_id), {}}, linked_by::person, now);
}

result<person> identities::find(std::string_view issuer, std::string_view subject) {
    return in_transaction(db_, [&](connection& c) -> result<person> {
        const auto row = query_identity(c, issuer, subject);
        if (!row) return nobody();
        return person{row->id, row->user_id, row->user_name, tenancy::select_memberships(c, row->user_id)};
    });
}

result<std::string> identities::link(std::string_view issuer, std::string_view subject, std::string_view user_id) {
    if (auto fault = find_identity_fault(issuer, subject)) return fail(errc::invalid, std::move(*fault));
    return in_transaction(db_, [&](connection& c) -> result<std::string> {
        if (c.query("SELECT id FROM users WHERE id = CAST(:user AS TEXT)", {{"user", text(user_id)}}).empty())
            return fail(errc::not_found, "There is no such user.");
        if (query_identity(c, issuer, subject))
            return fail(errc::already_exists,
                        "That subject is linked already. Take the link back first, with --remove.");
        return insert_identity(c, issuer, subject, user_id, linked_by::operator_, now_());
    });
}

result<void> identities::unlink(std::string_view issuer, std::string_view subject) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const auto row = query_identity(c, issuer, subject);
        if (!row) return nobody();
        end_identity(c, *row, linked_by::operator_, now_());
        return {};
    });
}

result<std::vector<std::string>> identities::list_ended(std::int64_t since) {
    return in_transaction(db_, [&](connection& c) -> result<std::vector<std::string>> {
        std::vector<std::string> ended;
        for (const auto& r :
             c.query("SELECT id FROM external_identities WHERE ended_at > CAST(:since AS INTEGER)", {{"since", since}}))
            ended.push_back(r.text("id"));
        return ended;
    });
}

}  // namespace hub::external
