// The rows of the hub's database as plain values, and the errors of its operations. Times are milliseconds since 1970.
// No SQL, no I/O.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hub::tenancy {

enum class errc {
    invalid,         // a field is empty, too long, not UTF-8
    not_found,       // also: belongs to another workspace
    already_exists,  // the name or the key is taken
    token_unknown,
    token_expired,
    token_used,
    pending,       // the machine waits for approval
    quarantined,   // the machine's key was seen twice; a new join token brings it back
    revoked,       // for good
    key_conflict,  // this very attempt showed that the key was copied: the machine is in quarantine now
    fenced,        // a newer link of the machine exists
    unavailable,   // the database cannot be reached or is full: 503, nothing happened
    in_doubt,      // it may or may not have happened
    failed,        // a bug or a damaged database
};

struct error {
    errc code = errc::failed;
    std::string message;   // a sentence for a person, without secrets
    std::string log_text;  // what the database said, for the log only
};

template <class T>
using result = std::expected<T, error>;

enum class role { viewer, member, admin, owner };
std::string_view to_string(role r);
std::optional<role> parse_role(std::string_view name);

enum class machine_state { pending, active, quarantined, revoked };
std::string_view to_string(machine_state s);
std::optional<machine_state> parse_machine_state(std::string_view name);

struct workspace {
    std::string id;  // "w_…"
    std::string name;
    std::int64_t created_at = 0;
};

struct user {
    std::string id;  // "u_…"
    std::string email;
    std::string name;
};

struct membership {
    std::string workspace_id;
    std::string workspace_name;
    tenancy::role role = tenancy::role::viewer;
};

struct api_key {
    std::string id;  // "k_…"
    std::string workspace_id;
    std::string user_id;
    std::string name;
    std::vector<std::string> scopes;
    std::int64_t created_at = 0;
    std::optional<std::int64_t> expires_at;
    std::optional<std::int64_t> revoked_at;
    std::optional<std::int64_t> last_used_at;  // a minute exact
};

// A fresh key. The secret is nowhere else: the database holds its SHA-256.
struct new_api_key {
    std::string id;
    std::string secret;  // "czk_" + 40 of [a-z0-9]
};

// Everything that decides what a key may do now.
struct api_key_grant {
    api_key key;
    std::string user_name;
    tenancy::role role = tenancy::role::viewer;
};

struct new_join_token {
    std::string secret;  // "czj_" + 40 of [a-z0-9]
    std::int64_t expires_at = 0;
};

struct machine {
    std::string id;  // "m_" + base32(SHA-256(public key), first 15 bytes)
    std::string workspace_id;
    std::string name;        // unique in its workspace, whatever the case, among the machines not revoked
    std::string public_key;  // 32 raw bytes
    machine_state state = machine_state::pending;
    std::int64_t link_counter = 0;
    std::int64_t epoch = 0;
    std::int64_t ack_seq = 0;  // the last event that the hub acknowledged, in the log `log_id`
    std::string log_id;
    std::string version;
    std::string os;
    std::string arch;
    std::string hostname;
    std::int64_t created_at = 0;
    std::optional<std::int64_t> last_seen_at;
};

struct audit_entry {
    std::int64_t id = 0;
    std::int64_t at = 0;
    std::string workspace_id;  // may be empty: the hub itself
    std::string actor;         // "user:u_…", "user:u_…/k_…" (with a key), "machine:m_…", "hub"
    std::string action;        // "machine.enrolled", or "call." and a tool
    std::string subject;       // an id, never argument text
    std::string result;        // "ok" or an error code
    // Of calls; empty where there is none.
    std::string machine_id{};
    std::string session_id{};
    std::string arguments_hash{};  // SHA-256 in hex of the arguments as they were sent
    std::string rule{};            // of the machine's policy, that refused
};

struct audit_query {
    std::int64_t before = 0;   // an entry's id: those older than it; 0: from the newest
    int limit = 200;           // at most 200
    std::int64_t since = 0;    // not older than that
    std::string machine_id{};  // empty: all
    bool refused = false;      // only calls that rights or a policy refused
};

// What proves the hub's identity to machines, what seals its opaque ids, and what signs its ID tokens.
struct hub_keys {
    std::string signing_key_pem;            // Ed25519
    std::vector<std::string> sealing_keys;  // 32 raw bytes each, the newest first
    std::string id_token_key_pem;           // P-256
};

}  // namespace hub::tenancy
