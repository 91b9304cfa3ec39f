// What the cursors of readers of many machines stand for.
#include <algorithm>

#include "common/crypto/random.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;

constexpr std::int64_t day_ms = 24 * 3600 * std::int64_t{1000};
constexpr std::int64_t kept_ms = 30 * day_ms;
constexpr std::int64_t superseded_kept_ms = day_ms;
constexpr std::size_t id_characters = 26;
constexpr std::int64_t removed_at_once = 100;

void remove_expired(connection& c, std::int64_t now) {
    c.execute(
        "DELETE FROM reading_positions WHERE id IN (SELECT id FROM reading_positions WHERE expires_at < "
        "CAST(:now AS INTEGER) ORDER BY expires_at LIMIT CAST(:count AS INTEGER))",
        {{"now", now}, {"count", removed_at_once}});
}

}  // namespace

result<std::string> store::save_position(std::string_view workspace_id, std::string_view position,
                                         std::string_view earlier) {
    const std::string id = common::crypto::random_token(id_characters);
    return in_transaction(db_, [&](connection& c) -> result<std::string> {
        remove_expired(c, now_());
        c.execute(
            "INSERT INTO reading_positions (id, workspace_id, position, earlier, expires_at) VALUES (CAST(:id AS TEXT), "
            "CAST(:workspace AS TEXT), CAST(:position AS TEXT), CAST(:earlier AS TEXT), CAST(:expires AS INTEGER))",
            {{"id", id},
             {"workspace", text(workspace_id)},
             {"position", text(position)},
             {"earlier", text(earlier)},
             {"expires", now_() + kept_ms}});
        return id;
    });
}

result<std::string> store::find_position(std::string_view workspace_id, std::string_view id) {
    if (id.size() != id_characters || !is_plain_text(id, id_characters))
        return fail(errc::not_found, "There is no such position.");
    return in_transaction(db_, [&](connection& c) -> result<std::string> {
        const auto rows = c.query(
            "SELECT position, earlier, expires_at FROM reading_positions WHERE id = CAST(:id AS TEXT) "
            "AND workspace_id = CAST(:workspace AS TEXT)",
            {{"id", text(id)}, {"workspace", text(workspace_id)}});
        if (rows.empty() || rows.front().integer("expires_at") < now_())
            return fail(errc::not_found, "There is no such position.");
        // A reader that shows this one has it, so it will hardly go back.
        if (const auto earlier = rows.front().text("earlier"); !earlier.empty()) {
            const auto latest = now_() + superseded_kept_ms;
            c.execute(
                "UPDATE reading_positions SET expires_at = CAST(:latest AS INTEGER) WHERE id = CAST(:id AS TEXT) "
                "AND expires_at > CAST(:latest AS INTEGER)",
                {{"latest", latest}, {"id", earlier}});
            c.execute("UPDATE reading_positions SET earlier = '' WHERE id = CAST(:id AS TEXT)", {{"id", text(id)}});
        }
        const auto expires = now_() + kept_ms;
        if (rows.front().integer("expires_at") < expires - day_ms)
            c.execute("UPDATE reading_positions SET expires_at = CAST(:at AS INTEGER) WHERE id = CAST(:id AS TEXT)",
                      {{"at", expires}, {"id", text(id)}});
        return rows.front().text("position");
    });
}

}  // namespace hub::tenancy
