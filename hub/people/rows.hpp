// Statements that several operations share. Only inside a transaction, on checked values.
#pragma once

#include <optional>
#include <string_view>

#include "common/db/database.hpp"
#include "hub/people/store.hpp"

namespace hub::people {

std::optional<account> query_account(common::db::connection& c, std::string_view column, std::string_view value);
void upsert_password(common::db::connection& c, std::string_view user_id, std::string_view hash, std::int64_t now);
new_session insert_session(common::db::connection& c, std::string_view user_id, std::int64_t now);
void delete_sessions(common::db::connection& c, std::string_view user_id);
// An entry of the hub's own: people are not of one workspace.
void note(common::db::connection& c, std::string_view actor, std::string_view action, std::string_view subject,
          std::string_view result, std::int64_t now);

}  // namespace hub::people
