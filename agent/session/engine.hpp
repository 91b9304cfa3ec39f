// The session engine: every Claude Code session that this machine runs for its callers. It starts claude under a holder,
// turns its output into durable events, journals prompts and permission answers, and finds everything again after the
// agent died. Owned by agent::app; every call on the agent's one I/O thread. Failures are proto::errors whose sentences
// may be shown to the caller. Rights and policy were checked before: the engine trusts its arguments' authority, not
// their form.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/claude/stream_encode.hpp"
#include "agent/events/log.hpp"
#include "agent/events/permission_rows.hpp"
#include "agent/session/options.hpp"
#include "agent/session/turn_memory.hpp"
#include "proto/error.hpp"
#include "proto/principal.hpp"

namespace agent::session {

// What claude is started with besides, each time; checked by the policy.
struct start_options {
    std::string values = "{}";  // raw JSON object, by the names of claude/start_options.hpp
    bool from_afar = false;     // they came over the link: the policy rules over them at every start
};

struct create_request {
    std::string cwd;                          // absolute, checked by the policy
    std::string title;                        // empty: none
    std::string model;                        // empty: claude's default
    std::string permission_mode = "default";  // default, acceptEdits, plan, dontAsk or auto
    bool allow_bypass = false;                // bypassPermissions too: set by the local command line alone
    bool include_partial_messages = false;
    start_options options;
    std::string session_id;                // a UUID, or empty for a new one. Known already: session_busy
    int depth = 0;                         // how many sessions the call came through: claude's is one more
    std::int64_t permission_expiry_s = 0;  // a permission request ends after that time; 0: it waits
};

struct created {
    std::string session_id;
    std::string cwd;
    std::int64_t cursor = 0;  // the seq before the session's first event: pass as `after`
};

// A session that Claude Code left on the disk and nobody uses now.
struct adoption {
    std::string session_id;  // a UUID
    std::string cwd;         // real, checked by the policy
    std::string title;       // empty: none
    std::string permission_mode = "default";
    std::int64_t created_at_ms = 0;
    std::int64_t last_message_at_ms = 0;  // 0: none
    std::int64_t transcript_end = 0;      // what its transcript holds so far, in bytes; what comes later is in the log
    int depth = 0;
};

struct prompt_request {
    std::string session_id;
    std::string text;
    // A UUID that the caller derived from its idempotency key, or empty for a new one. The same uuid again gives the
    // first answer and sends nothing; with another text: idempotency_conflict.
    std::string prompt_uuid;
    // If the session still has the same text of the same principal to do, that prompt is meant.
    bool attach = false;
    std::vector<claude::image> images;  // those of save_prompt_images() for that uuid
    int depth = 0;
};

struct sent {
    std::string prompt_uuid;
    std::string via;          // "live": claude was running; "resume": it is started for this
    std::int64_t cursor = 0;  // the seq before the prompt's own first event
    bool attached = false;    // nothing was sent: this is the prompt from before
    int queue_position = 0;   // 1: the next that gets a place among the live sessions; 0: it has one
};

// Where a session's conversation was copied from. Claude copies it with the first turn.
struct fork_origin {
    std::string session_id;       // empty: it is no fork
    std::string message;          // the last answer that was copied
    std::int64_t end_offset = 0;  // what is older than the fork, in bytes of that session's transcript
};

struct fork_request {
    std::string session_id;      // of which; not in the middle of a turn
    std::string new_session_id;  // a UUID, or empty for a new one
    std::string title;           // empty: that of the original
    int depth = 0;
};

// What is to change of a session; empty: stays as it is.
struct update_request {
    std::string session_id;
    std::string title;
    std::string model;
    std::string permission_mode;  // allowed by the policy
    std::string effort;
};

struct rewind_request {
    std::string session_id;
    std::string prompt_uuid;  // the files as they were before it
    bool dry_run = false;
    int depth = 0;  // of a claude that has to be started for it
};

// What differed, or differs.
struct rewound {
    std::vector<std::string> files;  // absolute paths
    std::int64_t insertions = 0;     // lines
    std::int64_t deletions = 0;
};

struct pending_permission {
    std::string session_id;
    std::string request_id;
    std::string tool_name;
    std::string description;
    std::string input_preview;
    std::string input;        // raw JSON object
    std::string suggestions;  // raw JSON array, or empty
    std::string details;      // raw JSON object, see events::permission_row
    std::string tool_use_id;
    std::int64_t asked_at_ms = 0;
};

// Ends a wait early. Make it with make_shared, pass it, call cancel() on the I/O thread.
class wait_token {
public:
    void cancel() {
        cancelled_ = true;
        if (wake_) wake_();
    }
    bool cancelled() const { return cancelled_; }
    void on_cancel(std::function<void()> wake) { wake_ = std::move(wake); }

private:
    std::function<void()> wake_;
    bool cancelled_ = false;
};

struct wait_request {
    std::string session_id;
    std::string prompt_uuid;
    std::chrono::milliseconds timeout{50'000};
    bool until_permission = true;       // also return as soon as a permission request is open
    std::string until_resolved;         // also return as soon as this permission request is open no more
    std::shared_ptr<wait_token> token;  // may be null
};

// What became of one prompt.
struct turn_outcome {
    bool done = false;      // false: still going on, see `pending` and poll from `cursor`
    bool is_error = false;  // done, and not well: `error` is a sentence
    std::string state;      // the prompt's: accepted, queued, started, completed, cancelled, unknown, rejected
    std::string text;       // claude's closing text
    std::string error;
    std::string result;  // raw JSON: CodeZ's result part {subtype, costUsd, durationMs, usage…}, or empty
    std::vector<pending_permission> pending;
    std::int64_t cursor = 0;  // the last event of the log so far
};

enum class permission_behavior : std::uint8_t { allow, deny };

struct permission_answer {
    std::string session_id;
    std::string request_id;
    permission_behavior behavior = permission_behavior::deny;
    std::string message;        // deny: the text for the model
    bool interrupt = false;     // deny: the turn ends too
    std::string updated_input;  // allow: raw JSON object, or empty = as asked
    // allow: raw JSON array out of the request's `suggestions`, each as it is or narrowed to this session; or empty
    std::string updated_permissions;
    std::string answers;              // allow, of questions: raw JSON object, question to answer; or empty
    std::string permission_mode;      // allow, of a plan: the mode from then on; empty: the one before the plan
    bool for_session = false;         // allow: and what is like it, as long as the session is there
    std::vector<std::string> grants;  // the engine's own: the rules that come of for_session
    events::answerer_kind by = events::answerer_kind::client;
};

struct summary {
    std::string id;
    std::string slug;  // the project's, as claude spells it
    std::string cwd;
    std::string title;
    std::string model;
    std::string permission_mode;
    std::string status;  // "live", "mirror" (another claude has it open) or "idle"
    std::string state;   // "running", "requires_action", "idle" or "interrupted"
    std::int64_t created_at_ms = 0;
    std::int64_t updated_at_ms = 0;
    std::int64_t last_message_at_ms = 0;  // 0: none
    std::string metadata;                 // raw JSON object, CodeZ's SessionMetadata
    int claude_pid = 0;                   // 0: not live
    int queue_position = 0;               // in the line for a place among the live ones; 0: not in it
    std::int64_t transcript_base = 0;     // so many bytes of its transcript are older than its events; 0: none
};

// What a live session is at, to tell one that is stuck from one that is slow.
struct activity {
    // permission, retry (of a request to the API), tool, model, background (tasks beside no turn) or nothing
    std::string waits_for;
    std::int64_t last_output_at_ms = 0;  // claude's last line; 0: none since the agent started
    std::vector<std::string> tools;      // that run now
    std::string retry;                   // raw JSON: attempt, maxAttempts, delayMs, reason, status; or empty
    std::string holder;                  // "attached", or why it does not take claude's output
};

struct details {
    summary session;
    start_options options;
    std::string forked_from;      // empty: it is no fork
    std::optional<activity> now;  // of a live one
    std::vector<pending_permission> pending;
    std::vector<permission_grant> grants;
};

struct list_filter {
    std::string slug;    // empty: all
    std::string status;  // empty: all
    int limit = 100;     // at most 500
    // The place after which to go on: updated_at and id of the last one of the page before. Newest first.
    std::int64_t before_ms = 0;
    std::string before_id;
};

struct aborted {
    bool was_running = false;  // false: no turn was going on, nothing was done
};

// A claude that runs now.
struct session_process {
    std::string session_id;
    int claude_pid = 0;
    int depth = 0;  // as in create_request
};

struct engine_health {
    int live = 0;
    int live_max = 0;
    int waiting = 0;  // sessions in the line for a place
    int pending_permissions = 0;
    std::string claude_path;
    std::string claude_version;
    std::vector<std::string> troubles;                                  // sentences; empty when well
    std::vector<std::pair<std::string, std::string>> session_troubles;  // by session id; they are in troubles too
};

class engine {
public:
    template <class T>
    using task = boost::asio::awaitable<proto::result<T>>;

    virtual ~engine() = default;

    // Finds again what was live when the agent ended. Call once, before everything else.
    virtual task<void> start() = 0;
    // Detaches: claude and its holders go on. No call may be under way afterwards.
    virtual boost::asio::awaitable<void> stop() = 0;

    virtual task<created> create(create_request request, proto::principal who) = 0;
    // The session becomes one of this engine's, idle: the next prompt resumes it. Known already: nothing happens.
    virtual task<void> adopt_session(adoption what, proto::principal who) = 0;
    virtual task<sent> send_prompt(prompt_request request, proto::principal who) = 0;
    // Waiting never changes anything. Ends with done:false at the timeout or when the token is cancelled.
    virtual task<turn_outcome> wait_for_turn(wait_request request) = 0;
    // The first answer wins; a second one gets an error that names who answered, and what.
    virtual task<void> respond_permission(permission_answer answer, proto::principal who) = 0;
    // Takes back what was allowed for the session: all of it, or (grant_id) one. Returns how many rules that were.
    virtual task<int> revoke_grants(std::string session_id, std::string grant_id, events::answerer by) = 0;
    // The same options, from where the other one is now.
    virtual task<created> fork(fork_request request, proto::principal who) = 0;
    // For a claude that runs at once, and for every later one.
    virtual task<void> update(update_request request) = 0;
    // Puts files back that claude edited; starts a claude if none runs. Not while a turn runs.
    virtual task<rewound> rewind(rewind_request request) = 0;
    // Interrupts the turn; the session stays usable. With no turn running it is fine and says so.
    virtual task<aborted> abort(std::string session_id) = 0;
    // Ends claude; the session stays resumable.
    virtual task<void> dispose(std::string session_id) = 0;

    virtual task<details> get(std::string session_id) = 0;
    virtual task<std::vector<summary>> list(list_filter filter) = 0;
    // Of one session, or with an empty id of all.
    virtual task<std::vector<pending_permission>> pending_permissions(std::string session_id) = 0;
    virtual engine_health health() const = 0;
    virtual std::vector<session_process> processes() const = 0;
    // A claude that is not the engine's has it open now, as far as was seen.
    virtual bool is_opened_elsewhere(const std::string& session_id) const = 0;

    // Called on every change of a session's summary, for the hub's directory. Coalescing is the observer's job.
    virtual void on_summary(std::function<void(const summary&)> observer) = 0;
};

// `log` must outlive the engine.
std::unique_ptr<engine> make_engine(boost::asio::any_io_executor executor, engine_options options, events::log& log);

}  // namespace agent::session
