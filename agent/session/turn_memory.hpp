// What the engine must remember of a session between two lines of claude's, so that the next line means the same before
// and after a restart of the agent: it is stored as JSON in the transaction of the events that came of it. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace agent::session {

// A message whose lines still come, one per content block.
struct open_message {
    std::int64_t order = 0;  // for forgetting the oldest
    int next_index = 0;      // of its next part
    std::string parent;      // the Agent tool use that it belongs to; empty: the main conversation

    // The block being streamed (partial messages only): its index and how much of it was pushed.
    int streaming_index = -1;
    std::string streaming_part;
    std::uint64_t streamed_bytes = 0;
};

struct open_tool {
    std::string message_id;
    std::string tool;
    nlohmann::json input;
};

struct open_task {
    std::string tool_use_id;
    std::string subagent_type;
    std::string description;
    std::string kind;
};

// What somebody allowed for as long as the session is there.
struct permission_grant {
    std::string id;
    std::string rule;  // see agent/policy/tool_rule.hpp
    std::string by;    // for people: a name
    std::string by_kind;
    std::int64_t at_ms = 0;
    bool operator==(const permission_grant&) const = default;
};

// waiting: stored, and no process was given it yet. accepted: it may have been given to one.
enum class prompt_progress : std::uint8_t { accepted, queued, started, waiting };

struct open_prompt {
    std::int64_t order = 0;  // in which they were accepted
    prompt_progress progress = prompt_progress::accepted;
    bool began_turn = false;  // its own event is where readers without a cursor begin
};

struct turn_memory {
    bool announced = false;       // session.created was told
    std::int64_t generation = 0;  // how many holders it has had
    // What it was created with. The row tells what is so now: a mode that somebody allowed for this process only, say.
    std::string asked_model;
    std::string asked_mode;
    std::int64_t counter = 0;  // the source of `order`
    bool turn_open = false;    // between a turn's beginning and its result
    std::string last_message;  // of the turn, in the main conversation: gets the result part
    std::string own_words;     // of the turn: what claude said itself, without a model; the answer if there is no other
    std::map<std::string, open_message> messages;
    std::map<std::string, open_tool> tools;
    std::map<std::string, open_task> tasks;
    std::map<std::string, open_prompt> prompts;
    std::map<std::string, std::string> permissions;  // open request id -> tool use id
    std::map<std::string, std::int64_t> expiries;    // of those that end by themselves: when, Unix ms
    std::int64_t expiry_s = 0;                       // the session's own, 0: none
    std::vector<permission_grant> grants;
};

std::string to_json(const turn_memory& memory);
// What cannot be read is forgotten: a session goes on without it.
turn_memory memory_from_json(const std::string& text);

}  // namespace agent::session
