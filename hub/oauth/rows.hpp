// Statements that several operations of the store share. Only inside a transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.hpp"
#include "hub/oauth/records.hpp"

namespace hub::oauth {

std::optional<client> select_client(common::db::connection& c, std::string_view id);
void insert_client(common::db::connection& c, const client& one, std::int64_t now);
void mark_client_used(common::db::connection& c, std::string_view id, std::int64_t now);

// A column of machine ids.
machine_set read_machines(const common::db::row& row, std::string_view column);
common::db::value to_value(const machine_set& machines);

// Where a grant lets its client act now; none: its person is no member any more.
std::vector<membership> select_reach(common::db::connection& c, std::string_view user_id, std::string_view workspace_id,
                                     bool all_workspaces);
bool has_workspace(const std::vector<membership>& reach, std::string_view id);
tenancy::role highest_role(const std::vector<membership>& reach);

// What tokens are made of: the family, and its grant as it is now.
struct family {
    std::string id;  // "f_…"
    std::string audience;
    std::int64_t created_at = 0;
    std::int64_t used_at = 0;
    bool revoked = false;  // itself or its grant
    std::string grant_id;
    std::string client_id;
    std::string user_id;
    std::string workspace_id;
    bool all_workspaces = false;
    std::vector<std::string> grant_scopes;
};
std::optional<family> select_family(common::db::connection& c, std::string_view id);
// It and its tokens count no more.
void end_family(common::db::connection& c, const family& one, std::string_view why, std::int64_t now);

}  // namespace hub::oauth
