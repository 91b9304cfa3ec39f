// API keys: "czk_…", known by their SHA-256 only. 206 random bits need no slow hash.
#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "common/crypto/digest.hpp"
#include "common/crypto/random.hpp"
#include "hub/tenancy/outcome.hpp"
#include "hub/tenancy/plain_text.hpp"
#include "hub/tenancy/rows.hpp"
#include "hub/tenancy/store.hpp"
#include "proto/limits.hpp"

namespace hub::tenancy {

namespace {

using common::db::connection;

constexpr std::int64_t last_used_grain_ms = 60'000;
constexpr std::size_t scope_bytes_max = 64;

constexpr std::string_view key_columns =
    "k.id, k.workspace_id, k.user_id, k.name, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at";

bool is_scope(const std::string& s) {
    return !s.empty() && s.size() <= scope_bytes_max &&
           s.find_first_not_of("abcdefghijklmnopqrstuvwxyz_:-") == std::string::npos;
}

std::string join(const std::vector<std::string>& scopes) {
    std::string out;
    for (const auto& s : scopes) out += out.empty() ? s : ' ' + s;
    return out;
}

std::vector<std::string> split(std::string_view scopes) {
    std::vector<std::string> out;
    while (!scopes.empty()) {
        const auto end = std::min(scopes.find(' '), scopes.size());
        if (end > 0) out.emplace_back(scopes.substr(0, end));
        scopes.remove_prefix(std::min(end + 1, scopes.size()));
    }
    return out;
}

api_key read_api_key(const common::db::row& r) {
    api_key k;
    k.id = r.text("id");
    k.workspace_id = r.text("workspace_id");
    k.user_id = r.text("user_id");
    k.name = r.text("name");
    k.scopes = split(r.text("scopes"));
    k.created_at = r.integer("created_at");
    k.expires_at = r.maybe_integer("expires_at");
    k.revoked_at = r.maybe_integer("revoked_at");
    k.last_used_at = r.maybe_integer("last_used_at");
    return k;
}

result<api_key_grant> select_by_hash(connection& c, std::string_view hash) {
    const auto rows = c.query("SELECT " + std::string(key_columns) +
                                  ", u.name AS user_name, m.role FROM api_keys k "
                                  "JOIN users u ON u.id = k.user_id "
                                  "JOIN memberships m ON m.workspace_id = k.workspace_id AND m.user_id = k.user_id "
                                  "WHERE k.hash = CAST(:hash AS BLOB)",
                              {{"hash", bytes(hash)}});
    if (rows.empty()) return fail(errc::not_found, "There is no such API key.");
    const auto& r = rows.front();
    const auto as = parse_role(r.text("role"));
    if (!as) throw std::logic_error("a membership has an unknown role");
    return api_key_grant{read_api_key(r), r.text("user_name"), *as};
}

}  // namespace

new_api_key insert_api_key(connection& c, const api_key_options& options, std::int64_t now) {
    new_api_key made{new_id("k_"), "czk_" + common::crypto::random_token(40)};
    c.execute(
        "INSERT INTO api_keys (id, workspace_id, user_id, name, hash, scopes, created_at, expires_at) VALUES ("
        "CAST(:id AS TEXT), CAST(:workspace AS TEXT), CAST(:user AS TEXT), CAST(:name AS TEXT), "
        "CAST(:hash AS BLOB), CAST(:scopes AS TEXT), CAST(:now AS INTEGER), CAST(:expires AS INTEGER))",
        {{"id", made.id},
         {"workspace", options.workspace_id},
         {"user", options.user_id},
         {"name", options.name},
         {"hash", bytes(common::crypto::sha256(made.secret))},
         {"scopes", join(options.scopes)},
         {"now", now},
         {"expires", maybe(options.expires_at)}});
    insert_audit(c,
                 {.workspace_id = options.workspace_id,
                  .actor = "user:" + options.user_id,
                  .action = "api_key.created",
                  .subject = made.id,
                  .result = "ok"},
                 now);
    return made;
}

result<new_api_key> store::create_api_key(const api_key_options& options) {
    if (!is_name(options.name, proto::limits::name_bytes_max))
        return fail(errc::invalid, "The key's name is empty, too long or not plain text.");
    if (options.scopes.empty() || options.scopes.size() > proto::limits::principal_scopes_max ||
        !std::ranges::all_of(options.scopes, is_scope))
        return fail(errc::invalid, "The key needs scopes such as mcp:tools or sessions:read.");
    if (options.expires_at && *options.expires_at <= now_())
        return fail(errc::invalid, "The key's end lies in the past.");
    return in_transaction(db_, [&](connection& c) -> result<new_api_key> {
        if (!is_member(c, options.workspace_id, options.user_id))
            return fail(errc::not_found, "There is no such user in this workspace.");
        return insert_api_key(c, options, now_());
    });
}

result<api_key_grant> store::find_api_key(std::string_view hash) {
    auto found = in_transaction(db_, [&](connection& c) { return select_by_hash(c, hash); });
    const auto now = now_();
    if (found && found->key.last_used_at.value_or(0) + last_used_grain_ms <= now) {
        found->key.last_used_at = now;
        // In a transaction of its own, whose failure is ignored: a full disk must not lock everybody out.
        std::ignore = db_.transaction([&](connection& c) {
            c.execute("UPDATE api_keys SET last_used_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
                      {{"now", now}, {"id", found->key.id}});
        });
    }
    return found;
}

result<void> store::revoke_api_key(std::string_view workspace_id, std::string_view key_id, std::string_view actor) {
    return in_transaction(db_, [&](connection& c) -> result<void> {
        const common::db::parameters which{{"workspace", text(workspace_id)}, {"id", text(key_id)}};
        const auto rows = c.query(
            "SELECT revoked_at FROM api_keys WHERE workspace_id = CAST(:workspace AS TEXT) "
            "AND id = CAST(:id AS TEXT)",
            which);
        if (rows.empty()) return fail(errc::not_found, "There is no such API key in this workspace.");
        if (!rows.front().is_null("revoked_at")) return {};
        c.execute("UPDATE api_keys SET revoked_at = CAST(:now AS INTEGER) WHERE id = CAST(:id AS TEXT)",
                  {{"now", now_()}, {"id", text(key_id)}});
        insert_audit(c,
                     {.workspace_id = std::string(workspace_id),
                      .actor = std::string(actor),
                      .action = "api_key.revoked",
                      .subject = std::string(key_id),
                      .result = "ok"},
                     now_());
        return {};
    });
}

result<std::vector<api_key>> store::list_api_keys(std::string_view workspace_id) {
    return in_transaction(db_, [&](connection& c) -> result<std::vector<api_key>> {
        std::vector<api_key> all;
        for (const auto& r : c.query("SELECT " + std::string(key_columns) +
                                         " FROM api_keys k WHERE k.workspace_id = CAST(:workspace AS TEXT) "
                                         "ORDER BY k.created_at, k.id",
                                     {{"workspace", text(workspace_id)}}))
            all.push_back(read_api_key(r));
        return all;
    });
}

result<std::vector<std::string>> store::list_ended_api_keys(std::int64_t since) {
    return in_transaction(db_, [&](connection& c) -> result<std::vector<std::string>> {
        std::vector<std::string> ids;
        for (const auto& r : c.query("SELECT id FROM api_keys WHERE revoked_at > CAST(:since AS INTEGER) OR "
                                     "(expires_at > CAST(:since AS INTEGER) AND expires_at <= CAST(:now AS INTEGER)) "
                                     "ORDER BY id",
                                     {{"since", since}, {"now", now_()}}))
            ids.push_back(r.text("id"));
        return ids;
    });
}

}  // namespace hub::tenancy
