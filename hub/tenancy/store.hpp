// The hub's accounts: workspaces, users, keys, machines, audit. All SQL of the hub is in the sources behind this header.
// Blocking: call it on a common::async::blocking_pool thread, from several at once if you like (the database locks).
// Nothing here throws for what users or the database do; every failure is an `error`.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/machine_id.hpp"
#include "common/db/database.hpp"
#include "hub/tenancy/records.hpp"

namespace hub::tenancy {

// Milliseconds since 1970.
using clock_function = std::function<std::int64_t()>;
std::int64_t system_time_ms();

// What a machine says of itself. Bounded and checked by enroll() and begin_link().
struct machine_fields {
    std::string version;
    std::string os;
    std::string arch;
    std::string hostname;
};

struct enrolment {
    std::string token_hash;  // SHA-256 of the join token, 32 raw bytes
    std::string public_key;  // 32 raw bytes; the caller has checked that the peer owns the private one
    std::string name;        // the machine's wish; a name in the token wins; both empty: the host name
    machine_fields fields;
};

struct link_request {
    std::string machine_id;
    std::int64_t presented_counter = 0;
    std::string log_id;  // of the machine's event log; another one than stored resets ack_seq to 0
    machine_fields fields;
};

struct link_grant {
    std::string workspace_id;
    std::string name;
    std::int64_t epoch = 0;         // higher than that of every link before
    std::int64_t link_counter = 0;  // what the machine stores and presents next
    std::int64_t ack_seq = 0;
    // The counter presented was given out before: the last welcome got lost, or this is a copy. If a live link of the
    // machine has confirmed its welcome, it is a copy: call quarantine_machine().
    bool counter_repeated = false;
};

struct api_key_options {
    std::string workspace_id;
    std::string user_id;
    std::string name;
    std::vector<std::string> scopes;
    std::optional<std::int64_t> expires_at;
};

struct join_token_options {
    std::string workspace_id;
    std::string created_by;          // user id
    std::string machine_name;        // may be empty
    std::string machine_id{};        // only for this machine's key; empty: for any
    std::chrono::seconds ttl{3600};  // at most 24 h
};

class store {
public:
    explicit store(common::db::database& db, clock_function now = system_time_ms);

    // Creates or updates the tables.
    result<void> migrate();

    result<workspace> create_workspace(std::string_view name);
    result<std::vector<workspace>> list_workspaces();
    result<user> create_user(std::string_view email, std::string_view name);
    // Sets the role if the user is a member already.
    result<void> set_membership(std::string_view workspace_id, std::string_view user_id, role r);
    // The workspace's first owner.
    result<user> find_owner(std::string_view workspace_id);

    result<new_api_key> create_api_key(const api_key_options& options);
    // By SHA-256 of the whole secret, 32 raw bytes. Revoked and expired ones are found too: the caller judges.
    // Marks the key as used, once a minute at most.
    result<api_key_grant> find_api_key(std::string_view hash);
    result<void> revoke_api_key(std::string_view workspace_id, std::string_view key_id, std::string_view actor);
    result<std::vector<api_key>> list_api_keys(std::string_view workspace_id);
    // Ids of the keys, of all workspaces, that were revoked or expired after that time.
    result<std::vector<std::string>> list_ended_api_keys(std::int64_t since);

    result<new_join_token> create_join_token(const join_token_options& options);
    // Consumes the token and inserts the machine, both or neither; the same token and key again, while the token lives, is
    // a lost reply and gives the same machine. A new token with a known key of the same workspace updates its machine and
    // brings it back from quarantine; a revoked key stays out. The machine goes on from the link_counter returned.
    result<machine> enroll(const enrolment& e);

    result<machine> get_machine(std::string_view workspace_id, std::string_view machine_id);
    // By id, or by name whatever the case.
    result<machine> find_machine(std::string_view workspace_id, std::string_view id_or_name);
    result<std::vector<machine>> list_machines(std::string_view workspace_id);
    // For the link's handshake only, which learns the workspace from it.
    result<machine> get_machine_for_link(std::string_view machine_id);

    // Judges the presented counter, raises epoch and counter, in one transaction. The caller has verified the signature.
    result<link_grant> begin_link(const link_request& request);
    // Only forwards; an older epoch than the newest link's gives `fenced`.
    result<void> note_ack(std::string_view machine_id, std::int64_t epoch, std::int64_t seq);
    result<void> note_seen(std::string_view machine_id, std::int64_t epoch);
    // Two live links with one counter.
    result<void> quarantine_machine(std::string_view machine_id);
    result<void> rename_machine(std::string_view workspace_id, std::string_view machine_id, std::string_view name,
                                std::string_view actor);
    result<void> revoke_machine(std::string_view workspace_id, std::string_view machine_id, std::string_view actor);

    // All or none. `id` is given by the store, `at` too where it is 0.
    result<void> record_audit(std::span<const audit_entry> entries);
    // Newest first.
    result<std::vector<audit_entry>> list_audit(std::string_view workspace_id, const audit_query& query);
    // Removes what is older, some thousand entries at once; true: there is more.
    result<bool> prune_audit(std::int64_t before_ms);

    // Where a reader of many machines is, for a cursor that is the id returned. `earlier`: the id that the reader came from,
    // or empty. Kept for 30 days after it was last found, or for one when a reader has found the next.
    result<std::string> save_position(std::string_view workspace_id, std::string_view position,
                                      std::string_view earlier);
    result<std::string> find_position(std::string_view workspace_id, std::string_view id);

    // Creates them on the first call.
    result<hub_keys> load_or_create_keys();

private:
    common::db::database& db_;
    clock_function now_;
};

using common::crypto::machine_id_of;

}  // namespace hub::tenancy
