#include "hub/people/passkey_store.hpp"

#include "hub/people/rows.hpp"
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

constexpr std::string_view columns = "id, user_id, public_key, sign_count, name, created_at, last_used_at";

passkey read_passkey(const common::db::row& r) {
    return {r.bytes("id"),
            r.text("user_id"),
            r.bytes("public_key"),
            static_cast<std::uint32_t>(r.integer("sign_count")),
            r.text("name"),
            r.integer("created_at"),
            r.maybe_integer("last_used_at")};
}

std::optional<passkey> query_passkey(connection& c, std::string_view id) {
    const auto rows =
        c.query("SELECT " + std::string(columns) + " FROM passkeys WHERE id = CAST(:id AS BLOB)", {{"id", bytes(id)}});
    if (rows.empty()) return std::nullopt;
    return read_passkey(rows.front());
}

std::vector<passkey> query_passkeys(connection& c, std::string_view user_id) {
    std::vector<passkey> all;
    for (const auto& r : c.query("SELECT " + std::string(columns) +
                                     " FROM passkeys WHERE user_id = CAST(:user AS TEXT) ORDER BY created_at, id",
                                 {{"user", text(user_id)}}))
        all.push_back(read_passkey(r));
    return all;
}

auto no_passkey() { return fail(errc::not_found, "There is no such passkey."); }

}  // namespace

result<void> passkey_store::add(const passkey& key) {
    if (!tenancy::is_name(key.name, proto::limits::name_bytes_max))
        return fail(errc::invalid, "The passkey's name is missing, too long or not plain text.");
    auto done = in_transaction(db_, [&](connection& c) -> result<void> {
        if (query_passkeys(c, key.user_id).size() >= passkeys_per_user_max)
            return fail(errc::invalid, "You have as many passkeys as one can have. Remove one first.");
        const std::int64_t now = now_();
        c.execute(
            "INSERT INTO passkeys (id, user_id, public_key, sign_count, name, created_at) VALUES (CAST(:id AS BLOB), "
            "CAST(:user AS TEXT), CAST(:key AS BLOB), CAST(:count AS INTEGER), CAST(:name AS TEXT), "
            "CAST(:now AS INTEGER))",
            {{"id", bytes(key.id)},
             {"user", key.user_id},
             {"key", bytes(key.public_key)},
             {"count", static_cast<std::int64_t>(key.sign_count)},
             {"name", key.name},
             {"now", now}});
        note(c, "user:" + key.user_id, "person.passkey_added", key.user_id, "ok", now);
        return {};
    });
    if (!done && done.error().code == errc::already_exists) done.error().message = "This passkey is known already.";
    return done;
}

result<void> passkey_store::remove(std::string_view user_id, std::string_view id,
                                   const std::vector<std::string>& issuers) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const auto key = query_passkey(c, id);
        if (!key || key->user_id != user_id) return no_passkey();
        if (count_ways_in(c, user_id, issuers) <= 1) return last_way_in();
        const auto removed =
            c.execute("DELETE FROM passkeys WHERE id = CAST(:id AS BLOB) AND user_id = CAST(:user AS TEXT)",
                      {{"id", bytes(id)}, {"user", text(user_id)}});
        if (removed == 0) return no_passkey();
        note(c, "user:" + std::string(user_id), "person.passkey_removed", user_id, "ok", now_());
        return {};
    });
}

result<std::vector<passkey>> passkey_store::list(std::string_view user_id) {
    return in_transaction(db_,
                          [&](connection& c) -> result<std::vector<passkey>> { return query_passkeys(c, user_id); });
}

result<passkey> passkey_store::find(std::string_view id) {
    return in_transaction(db_, [&](connection& c) -> result<passkey> {
        auto found = query_passkey(c, id);
        if (!found) return no_passkey();
        return std::move(*found);
    });
}

result<new_session> passkey_store::sign_in(std::string_view id, std::uint32_t sign_count, std::string_view replaced) {
    return in_transaction(db_, [&](connection& c) -> result<new_session> {
        const auto key = query_passkey(c, id);
        if (!key) return no_passkey();
        const std::int64_t now = now_();
        const std::string actor = "user:" + key->user_id;
        if ((sign_count != 0 || key->sign_count != 0) && sign_count <= key->sign_count) {
            note(c, actor, "person.sign_in_failed", key->user_id, "passkey_copied", now);
            return fail(errc::key_conflict, "This passkey seems to have been copied. Remove it, and make a new one.");
        }
        c.execute(
            "UPDATE passkeys SET sign_count = CAST(:count AS INTEGER), last_used_at = CAST(:now AS INTEGER) "
            "WHERE id = CAST(:id AS BLOB)",
            {{"count", static_cast<std::int64_t>(sign_count)}, {"now", now}, {"id", bytes(id)}});
        delete_session(c, replaced);
        note(c, actor, "person.signed_in", key->user_id, "ok", now);
        return insert_session(c, key->user_id, now);
    });
}

}  // namespace hub::people
