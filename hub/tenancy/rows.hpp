// Single-row statements that several operations share. Only inside a transaction, on checked values.
#pragma once

#include <string>
#include <string_view>

#include "common/db/database.hpp"
#include "hub/tenancy/records.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::tenancy {

common::db::value text(std::string_view s);
common::db::value bytes(std::string_view s);
common::db::value maybe(std::optional<std::int64_t> number);

// prefix + 16 characters of base32, 80 random bits.
std::string new_id(std::string_view prefix);

workspace insert_workspace(common::db::connection& c, std::string_view name, std::int64_t now);
user insert_user(common::db::connection& c, std::string_view email, std::string_view name, std::int64_t now);
void upsert_membership(common::db::connection& c, std::string_view workspace_id, std::string_view user_id, role r,
                       std::int64_t now);
new_api_key insert_api_key(common::db::connection& c, const api_key_options& options, std::int64_t now);
new_join_token insert_join_token(common::db::connection& c, const join_token_options& options, std::int64_t now);
void insert_audit(common::db::connection& c, const audit_entry& entry, std::int64_t now);
hub_keys get_or_insert_keys(common::db::connection& c, std::int64_t now);

bool has_workspace(common::db::connection& c);
bool is_member(common::db::connection& c, std::string_view workspace_id, std::string_view user_id);
// nullopt: not a member.
std::optional<role> select_role(common::db::connection& c, std::string_view workspace_id, std::string_view user_id);
// By the workspaces' names.
std::vector<membership> select_memberships(common::db::connection& c, std::string_view user_id);

// All columns of `machines` that read_machine() needs.
inline constexpr std::string_view machine_columns =
    "id, workspace_id, name, public_key, state, link_counter, epoch, ack_seq, log_id, version, os, arch, hostname, "
    "created_at, last_seen_at";
machine read_machine(const common::db::row& r);

}  // namespace hub::tenancy
