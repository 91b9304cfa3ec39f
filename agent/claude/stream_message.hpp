// What Claude Code writes on stdout in stream-json mode, as typed values (2.1.329). Unknown types and unknown
// members are not errors: the set grows with each release. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

namespace agent::claude {

using json = nlohmann::json;

enum class block_kind : std::uint8_t { text, thinking, tool_use, tool_result, other };

struct content_block {
    block_kind kind = block_kind::other;
    std::string text;         // text, thinking; of a tool_result its texts joined
    std::string tool;         // tool_use: name
    std::string tool_use_id;  // tool_use, tool_result
    json payload;             // tool_use: input; tool_result: content; other: the block as it came
    bool is_error = false;    // tool_result
};

// Once per turn, not once per process.
struct turn_init {
    std::string session_id;
    std::string cwd;
    std::string model;
    std::string permission_mode;
    json metadata;  // CodeZ's SessionMetadata: model, permissionMode, tools, agents, skills, slashCommands, …
};

// One line per content block; lines of one API message share `message_id`.
struct assistant_line {
    std::string uuid;
    std::string message_id;
    std::string model;
    std::string parent_tool_use_id;  // empty: the main conversation, else a subagent's
    std::string timestamp;
    std::string error;  // authentication_failed, rate_limit, …: an API error said as a message
    std::vector<content_block> blocks;
};

struct user_line {
    std::string uuid;
    std::string parent_tool_use_id;
    std::string timestamp;
    bool is_replay = false;
    bool is_synthetic = false;
    std::vector<content_block> blocks;
};

enum class stream_kind : std::uint8_t { message_start, block_start, block_delta, block_stop, other };

struct stream_event {
    stream_kind kind = stream_kind::other;
    std::string message_id;
    std::string model;  // message_start
    std::string parent_tool_use_id;
    int index = 0;
    block_kind block = block_kind::other;  // block_start, and of a delta what it adds to
    std::string tool_use_id;               // block_start of a tool_use
    std::string delta;                     // text, thinking or a piece of the tool's input
};

struct turn_result {
    std::string uuid;
    std::string subtype;
    bool is_error = false;  // the only member that tells: subtype is "success" for API errors too
    std::string text;
    std::vector<std::string> errors;
    std::string terminal_reason;
    std::optional<std::int64_t> api_error_status;
    double cost_usd = 0;  // cumulative over the session
    std::int64_t duration_ms = 0;
    std::int64_t turns = 0;
    json usage;              // of this turn
    json structured_output;  // null: none
    std::vector<std::string> prompt_uuids;
};

struct permission_ask {
    std::string request_id;
    std::string tool_name;
    std::string description;
    std::string tool_use_id;
    json input;
    json suggestions;  // an array
    std::string title;
    std::string blocked_path;     // what the tool would touch that is not open to it
    std::string decision_reason;  // why claude asks
    std::string agent_id;         // the subagent that asks; empty: the main conversation
};

// A request of claude's that we have no answer for: it must be refused, or claude waits for ever.
struct other_request {
    std::string request_id;
    std::string subtype;
};

struct request_withdrawn {
    std::string request_id;
};

// The answer to a control request of ours.
struct control_reply {
    std::string request_id;
    bool ok = false;
    std::string error;
    json response;
    std::optional<std::vector<permission_ask>> pending;  // of initialize: the open permission requests
};

enum class prompt_step : std::uint8_t { queued, started, completed, cancelled };

struct prompt_lifecycle {
    std::string prompt_uuid;
    prompt_step step = prompt_step::queued;
};

struct state_changed {
    std::string state;  // running, requires_action, idle
};

struct task_started {
    std::string task_id;
    std::string tool_use_id;
    std::string kind;  // local_agent, local_bash
    std::string subagent_type;
    std::string description;
};

struct task_finished {
    std::string task_id;
    std::string tool_use_id;
    std::string state;  // completed, failed, killed, …
    std::string summary;
};

struct api_retry {
    std::int64_t attempt = 0;
    std::int64_t max_retries = 0;
    std::int64_t delay_ms = 0;
    std::string error;                   // overloaded, rate_limit, …
    std::optional<std::int64_t> status;  // HTTP; none: there was no answer
};

// What was said before it is from here on a summary to the model.
struct compact_boundary {
    std::string uuid;     // the same as in the transcript
    std::string trigger;  // manual, auto
    std::int64_t tokens_before = 0;
    std::int64_t tokens_after = 0;
    std::int64_t duration_ms = 0;
};

struct title_changed {
    std::string title;
};

struct mode_changed {
    std::string permission_mode;
};

// Known to be of no interest, or unknown.
struct ignored_line {
    std::string type;
};

// Not a JSON object, too large or too deep. Claude goes on; so do we.
struct unreadable_line {
    std::string why;
};

using stream_message =
    std::variant<turn_init, assistant_line, user_line, stream_event, turn_result, permission_ask, other_request,
                 request_withdrawn, control_reply, prompt_lifecycle, state_changed, task_started, task_finished,
                 api_retry, compact_boundary, title_changed, mode_changed, ignored_line, unreadable_line>;

}  // namespace agent::claude
