// The JSON messages of the link as values: strict decoding (types, sizes, ranges), one encoding, and the byte strings
// that both sides sign. Plain values and functions; a decoding error is a sentence's end such as
// "`boot_id` must be a string of 1 to 64 bytes". Members that we do not know are ignored: newer peers add some.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/principal.hpp"

namespace proto {

template <class T>
using decoded = std::expected<T, std::string>;

constexpr int link_version = 1;
// In hello::abilities: the machine's calls may come with a `state`, and ask their client (questions.hpp).
constexpr std::string_view questions_ability = "questions";
// In hello::abilities: calls whose arguments are followed by a body.
constexpr std::string_view call_body_ability = "call_body";
constexpr std::string_view link_subprotocol = "codez.link.v1";
constexpr std::string_view link_exporter_label = "EXPORTER-codez-link-v1";  // RFC 5705

// Close codes of the link (RFC 6455 §7.4.2: 4000–4999 are private).
enum class close_code : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    abnormal = 1006,  // never sent: the connection just ended
    protocol = 4400,
    auth = 4401,
    revoked = 4403,
    superseded = 4408,
    key_conflict = 4409,
    too_big = 4413,
    rate = 4429,
    draining = 4503,  // reconnect now, elsewhere
};

struct resume_point {
    std::int64_t rx_seq = 0;  // the last event that the machine knows to be acknowledged
    std::int64_t tx_seq = 0;  // the last one it sent
    std::int64_t epoch = 0;   // of its last link
    bool operator==(const resume_point&) const = default;
};

// Cut to what a close frame can carry (RFC 6455 §5.5), between characters.
std::string close_reason(std::string_view reason);

// agent → hub, the first frame. `tools` names what this agent can do, so that a hub never sends what it cannot.
struct hello {
    std::string machine_id;
    std::string kid;          // which of the machine's keys signs
    std::string agent_nonce;  // 32 bytes, raw; base64url in JSON
    std::vector<int> proto = {link_version};
    std::string version;  // of the program
    std::string boot_id;
    std::uint64_t link_counter = 0;  // from the last welcome, 0 at first: tells copies of a key apart
    resume_point resume;
    std::string log_id;
    std::int64_t last_seq = 0;
    std::string catalogue;  // catalogue::digest()
    std::vector<std::string> tools;
    std::vector<std::string> abilities{};  // what of this protocol's additions it knows: "questions", "call_body"
    std::string hostname;
    std::string os;
    std::string arch;
    bool operator==(const hello&) const = default;
};

// hub → agent.
struct challenge {
    std::string hub_nonce;  // 32 bytes, raw
    std::string hub_id;
    std::string kid;  // which of the hub's keys signed
    std::int64_t ts_ms = 0;
    bool exporter = false;  // the hub ends the TLS connection itself, so its exporter is part of what is signed
    std::string signature;  // raw
    bool operator==(const challenge&) const = default;
};

// agent → hub.
struct auth {
    std::string signature;  // raw
    bool operator==(const auth&) const = default;
};

// hub → agent: the link is up.
struct welcome {
    std::int64_t epoch = 0;             // higher than that of every link of this machine before
    std::uint64_t link_counter = 0;     // to be stored durably before anything is sent, presented in the next hello
    std::string link_state = "active";  // active | pending (enrolled, not yet approved)
    std::int64_t policy_rev = 0;
    std::int64_t ack_seq = 0;  // events up to here need not be pushed again
    std::int64_t heartbeat_ms = 0;
    std::string machine_name;
    bool operator==(const welcome&) const = default;
};

// hub → agent, in front of the raw arguments of a call.
struct call_header {
    std::string tool;
    principal who;
    int depth = 0;
    std::int64_t deadline_ms = 0;  // how long from now, not a time of day: clocks differ
    std::string request_id;
    bool progress = false;  // somebody wants progress frames
    // What the call's client can be asked, see proto/questions.hpp. Nothing else is asked, so older peers need not know.
    std::vector<std::string> abilities{};
    std::string state{};           // what the call told with its last question, in an earlier round; empty in the first
    std::uint64_t body_bytes = 0;  // so much follows in body frames; only to a machine with call_body_ability
    bool operator==(const call_header&) const = default;
};

// agent → hub, while a call runs (MCP notifications/progress).
struct progress_update {
    double progress = 0;
    std::optional<double> total;
    std::string message;
    bool operator==(const progress_update&) const = default;
};

// What the hub keeps in memory of a session: enough to list and to route, no content.
struct session_summary {
    std::string id;
    std::string project_slug;
    std::string cwd;
    std::string title;
    std::string status = "idle";  // live | mirror | idle
    std::string state = "idle";   // running | requires_action | idle | interrupted
    std::string model;
    std::string permission_mode;
    std::int64_t created_at_ms = 0;
    std::int64_t updated_at_ms = 0;
    int pending_permissions = 0;
    bool operator==(const session_summary&) const = default;
};

// agent → hub: replaces what the hub knew of this machine.
struct sessions_snapshot {
    std::vector<session_summary> sessions;
    bool complete = true;  // false: the machine has more idle ones than fit; ask it for an id that is not here
    bool operator==(const sessions_snapshot&) const = default;
};

std::string encode(const hello& m);
std::string encode(const challenge& m);
std::string encode(const auth& m);
std::string encode(const welcome& m);
std::string encode(const call_header& m);
std::string encode(const progress_update& m);
std::string encode(const sessions_snapshot& m);

decoded<hello> decode_hello(std::string_view json);
decoded<challenge> decode_challenge(std::string_view json);
decoded<auth> decode_auth(std::string_view json);
decoded<welcome> decode_welcome(std::string_view json);
decoded<call_header> decode_call_header(std::string_view json);
decoded<progress_update> decode_progress(std::string_view json);
decoded<sessions_snapshot> decode_sessions(std::string_view json);

// --- What is signed. Every field is u16be length + bytes after the NUL-ended purpose, so no two inputs give one text.

struct link_proof {
    std::string machine_id;
    std::string kid;         // the machine key's
    std::string hub_origin;  // e.g. "https://codez.example.com"
    std::string agent_nonce;
    std::string hub_nonce;
    std::string boot_id;
    std::uint64_t link_counter = 0;
    std::string tls_exporter;  // 32 bytes, or empty where TLS does not go from end to end
};

std::string agent_signing_text(const link_proof& proof);  // "codez-link-v1\0"…
std::string hub_signing_text(const link_proof& proof);    // "codez-hub-v1\0"…, the same fields
std::string enroll_signing_text(std::string_view hub_origin, std::string_view nonce, std::string_view public_key);

// --- Clone detection ---

enum class counter_verdict {
    current,       // what the last welcome gave
    welcome_lost,  // one behind: the machine never stored the last welcome
    hub_restored,  // ahead of us: our database is older than the machine. Accepted, stored, audited
    conflict,      // a second holder of the key
};

// `given_to_live_link`: the stored counter went to a link that is open now and has spoken since, so its holder knows it
// and nobody else may be one behind.
counter_verdict judge_counter(std::uint64_t presented, std::uint64_t stored, bool given_to_live_link);

}  // namespace proto
