// Sessions of browsers, by SHA-256 of the cookie.
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/random.hpp"
#include "hub/people/rows.hpp"
#include "hub/people/store.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/rows.hpp"

namespace hub::people {

using common::db::connection;
using tenancy::bytes;
using tenancy::in_transaction;
using tenancy::result;
using tenancy::text;

namespace {

constexpr std::int64_t seen_every_ms = 60'000;
constexpr std::int64_t sessions_per_user_max = 32;

void prune(connection& c, std::string_view user_id, std::int64_t now) {
    c.execute(
        "DELETE FROM web_sessions WHERE expires_at <= CAST(:now AS INTEGER) OR last_seen_at <= CAST(:idle AS INTEGER)",
        {{"now", now}, {"idle", now - session_idle_ms}});
    c.execute(
        "DELETE FROM web_sessions WHERE user_id = CAST(:user AS TEXT) AND id NOT IN (SELECT id FROM web_sessions "
        "WHERE user_id = CAST(:user AS TEXT) ORDER BY authenticated_at DESC, id LIMIT CAST(:kept AS INTEGER))",
        {{"user", text(user_id)}, {"kept", sessions_per_user_max - 1}});
}

}  // namespace

new_session insert_session(connection& c, std::string_view user_id, std::int64_t now,
                           std::optional<std::int64_t> authenticated_at) {
    prune(c, user_id, now);
    new_session made{common::crypto::base64url_encode(common::crypto::random_bytes(32)), std::string(user_id)};
    c.execute(
        "INSERT INTO web_sessions (hash, id, user_id, authenticated_at, last_seen_at, expires_at) VALUES ("
        "CAST(:hash AS BLOB), CAST(:id AS TEXT), CAST(:user AS TEXT), CAST(:proven AS INTEGER), CAST(:now AS INTEGER), "
        "CAST(:expires AS INTEGER))",
        {{"hash", bytes(common::crypto::sha256(made.secret))},
         {"id", tenancy::new_id("b_")},
         {"user", made.user_id},
         {"proven", authenticated_at.value_or(now)},
         {"now", now},
         {"expires", now + session_ms}});
    return made;
}

void delete_session(connection& c, std::string_view hash) {
    c.execute("DELETE FROM web_sessions WHERE hash = CAST(:hash AS BLOB)", {{"hash", bytes(hash)}});
}

void delete_sessions(connection& c, std::string_view user_id) {
    c.execute("DELETE FROM web_sessions WHERE user_id = CAST(:user AS TEXT)", {{"user", text(user_id)}});
}

result<std::optional<session>> store::find_session(std::string_view hash) {
    return in_transaction(db_, [&](connection& c) -> result<std::optional<session>> {
        const auto rows = c.query(
            "SELECT s.id, s.user_id, s.authenticated_at, s.last_seen_at, s.expires_at, u.email, u.name "
            "FROM web_sessions s JOIN users u ON u.id = s.user_id WHERE s.hash = CAST(:hash AS BLOB)",
            {{"hash", bytes(hash)}});
        if (rows.empty()) return std::nullopt;
        const auto& r = rows.front();
        const std::int64_t now = now_();
        const std::int64_t seen = r.integer("last_seen_at");
        if (r.integer("expires_at") <= now || seen + session_idle_ms <= now) return std::nullopt;
        if (now - seen >= seen_every_ms)
            c.execute("UPDATE web_sessions SET last_seen_at = CAST(:now AS INTEGER) WHERE hash = CAST(:hash AS BLOB)",
                      {{"now", now}, {"hash", bytes(hash)}});
        return session{
            r.text("id"), {r.text("user_id"), r.text("email"), r.text("name")}, r.integer("authenticated_at")};
    });
}

result<void> store::end_session(std::string_view hash) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        delete_session(c, hash);
        return {};
    });
}

result<void> store::end_sessions(std::string_view user_id) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        delete_sessions(c, user_id);
        return {};
    });
}

}  // namespace hub::people
