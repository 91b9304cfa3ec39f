#include "hub/upstream/visits.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::upstream {

using common::db::connection;
using tenancy::bytes;
using tenancy::errc;
using tenancy::fail;
using tenancy::in_transaction;
using tenancy::result;
using tenancy::text;

namespace {

constexpr std::array<std::string_view, 4> purposes{"sign-in", "confirm", "link", "welcome"};

purpose parse_purpose(std::string_view name) {
    for (std::size_t i = 0; i < purposes.size(); ++i)
        if (purposes[i] == name) return static_cast<purpose>(i);
    throw std::logic_error("a visit has an unknown purpose");
}

visit read_visit(const common::db::row& r) {
    return {.provider_id = r.text("provider_id"),
            .what_for = parse_purpose(r.text("purpose")),
            .continue_at = r.text("continue_at"),
            .user_id = r.text("user_id"),
            .link_hash = r.bytes("link_hash"),
            .name = r.text("name"),
            .email = r.text("email"),
            .begun_at = r.integer("begun_at")};
}

}  // namespace

result<void> visits::begin(std::string_view state, std::string_view visitor, const visit& what) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const std::int64_t now = now_();
        c.execute("DELETE FROM sign_in_visits WHERE begun_at <= CAST(:old AS INTEGER)", {{"old", now - visit_ms}});
        if (c.query("SELECT COUNT(*) AS n FROM sign_in_visits", {}).front().integer("n") >= visits_max)
            return fail(errc::unavailable,
                        "Too many people are signing in at this moment. Try again in a few minutes.");
        c.execute(
            "INSERT INTO sign_in_visits (state_hash, visitor_hash, provider_id, purpose, continue_at, user_id, "
            "link_hash, name, email, begun_at) VALUES (CAST(:state AS BLOB), CAST(:visitor AS BLOB), "
            "CAST(:provider AS TEXT), CAST(:purpose AS TEXT), CAST(:continue AS TEXT), CAST(:user AS TEXT), "
            "CAST(:link AS BLOB), CAST(:name AS TEXT), CAST(:email AS TEXT), CAST(:now AS INTEGER))",
            {{"state", bytes(state)},
             {"visitor", bytes(visitor)},
             {"provider", text(what.provider_id)},
             {"purpose", text(purposes.at(static_cast<std::size_t>(what.what_for)))},
             {"continue", text(what.continue_at)},
             {"user", text(what.user_id)},
             {"link", bytes(what.link_hash)},
             {"name", text(what.name)},
             {"email", text(what.email)},
             {"now", now}});
        return {};
    });
}

result<visit_back> visits::take(std::string_view state, std::string_view provider_id,
                                const std::vector<std::string>& visitors) {
    return in_transaction(db_, [&](connection& c) -> result<visit_back> {
        const auto unknown = [] {
            return fail(
                errc::not_found,
                "This sign-in was finished already, took longer than ten minutes, or began in another browser.");
        };
        const auto rows = c.query(
            "SELECT visitor_hash, provider_id, purpose, continue_at, user_id, link_hash, name, email, "
            "begun_at FROM sign_in_visits WHERE state_hash = CAST(:state AS BLOB) AND "
            "provider_id = CAST(:provider AS TEXT) AND begun_at > CAST(:old AS INTEGER)",
            {{"state", bytes(state)}, {"provider", text(provider_id)}, {"old", now_() - visit_ms}});
        if (rows.empty()) return unknown();
        const std::string visitor = rows.front().bytes("visitor_hash");
        if (std::ranges::find(visitors, visitor) == visitors.end()) return unknown();
        // The one statement that decides who was first.
        if (c.execute("DELETE FROM sign_in_visits WHERE state_hash = CAST(:state AS BLOB)",
                      {{"state", bytes(state)}}) != 1)
            return unknown();
        return visit_back{read_visit(rows.front()), visitor};
    });
}

}  // namespace hub::upstream
