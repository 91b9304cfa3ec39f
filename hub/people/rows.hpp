// Statements that several operations share. Only inside a transaction, on checked values.
#pragma once

#include <optional>
#include <string_view>

#include "common/db/database.hpp"
#include "hub/people/store.hpp"

namespace hub::people {

std::optional<account> query_account(common::db::connection& c, std::string_view column, std::string_view value);
void upsert_password(common::db::connection& c, std::string_view user_id, std::string_view hash, std::int64_t now);
// `authenticated_at`: when the person proved who it is; now, if nothing is said.
new_session insert_session(common::db::connection& c, std::string_view user_id, std::int64_t now,
                           std::optional<std::int64_t> authenticated_at = std::nullopt);
void delete_session(common::db::connection& c, std::string_view hash);
void delete_sessions(common::db::connection& c, std::string_view user_id);
// How many ways to sign in a person has: password, passkeys, accounts at the issuers that people may sign in with.
std::int64_t count_ways_in(common::db::connection& c, std::string_view user_id,
                           const std::vector<std::string>& issuers);
std::unexpected<tenancy::error> last_way_in();
// An entry of the hub's own: people are not of one workspace.
void note(common::db::connection& c, std::string_view actor, std::string_view action, std::string_view subject,
          std::string_view result, std::int64_t now);

}  // namespace hub::people
