#include "hub/external/identities.hpp"

#include <fmt/format.h>

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

void note(connection& c, std::string_view action, std::string_view user_id, std::string_view identity_id,
          std::int64_t now) {
    tenancy::audit_entry entry;
    entry.actor = "hub";
    entry.action = action;
    entry.subject = fmt::format("{}/{}", user_id, identity_id);
    entry.result = "ok";
    tenancy::insert_audit(c, entry, now);
}

std::vector<common::db::row> select(connection& c, std::string_view issuer, std::string_view subject) {
    return c.query(
        "SELECT x.id, x.user_id, u.name FROM external_identities x JOIN users u ON u.id = x.user_id "
        "WHERE x.issuer = CAST(:issuer AS TEXT) AND x.subject = CAST(:subject AS TEXT) AND x.ended_at IS NULL",
        {{"issuer", text(issuer)}, {"subject", text(subject)}});
}

}  // namespace

result<person> identities::find(std::string_view issuer, std::string_view subject) {
    return in_transaction(db_, [&](connection& c) -> result<person> {
        const auto rows = select(c, issuer, subject);
        if (rows.empty()) return fail(errc::not_found, "Nobody of the hub is linked with that identity.");
        const auto& user_id = rows.front().text("user_id");
        return person{rows.front().text("id"), user_id, rows.front().text("name"), tenancy::select_memberships(c, user_id)};
    });
}

result<std::string> identities::link(std::string_view issuer, std::string_view subject, std::string_view user_id) {
    if (issuer.empty() || !tenancy::is_plain_text(issuer, issuer_bytes_max))
        return fail(errc::invalid, "The issuer must be the authorization server's URL.");
    if (subject.empty() || !tenancy::is_plain_text(subject, subject_bytes_max))
        return fail(errc::invalid, "The subject must be the \"sub\" of the person's tokens, at most 255 bytes.");
    return in_transaction(db_, [&](connection& c) -> result<std::string> {
        if (c.query("SELECT id FROM users WHERE id = CAST(:user AS TEXT)", {{"user", text(user_id)}}).empty())
            return fail(errc::not_found, "There is no such user.");
        if (!select(c, issuer, subject).empty())
            return fail(errc::already_exists,
                        "That subject is linked already. Take the link back first, with --remove.");
        const std::string id = tenancy::new_id("x_");
        c.execute(
            "INSERT INTO external_identities (id, issuer, subject, user_id, created_at) VALUES (CAST(:id AS TEXT), "
            "CAST(:issuer AS TEXT), CAST(:subject AS TEXT), CAST(:user AS TEXT), CAST(:now AS INTEGER))",
            {{"id", id},
             {"issuer", text(issuer)},
             {"subject", text(subject)},
             {"user", text(user_id)},
             {"now", now_()}});
        note(c, "identity.linked", user_id, id, now_());
        return id;
    });
}

result<void> identities::unlink(std::string_view issuer, std::string_view subject) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const auto rows = select(c, issuer, subject);
        if (rows.empty()) return fail(errc::not_found, "Nobody of the hub is linked with that identity.");
        c.execute("UPDATE external_identities SET ended_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
                  {{"now", now_()}, {"id", rows.front().text("id")}});
        note(c, "identity.unlinked", rows.front().text("user_id"), rows.front().text("id"), now_());
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
