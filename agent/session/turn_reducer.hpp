// What a line of claude's means: events, and what changes in the session's row, its prompts and its permission requests.
// Pure: no I/O, no clock. All ids that it gives come from claude's own, so the same lines always give the same events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/claude/stream_message.hpp"
#include "agent/events/log.hpp"
#include "agent/events/permission_rows.hpp"
#include "agent/events/prompt_rows.hpp"
#include "agent/events/session_rows.hpp"
#include "agent/session/turn_memory.hpp"

namespace agent::session {

struct prompt_outcome {
    bool is_error = false;
    std::string text;    // claude's closing text
    std::string error;   // a sentence
    std::string result;  // the result part as JSON, or empty
};

struct prompt_change {
    std::string uuid;
    events::prompt_state state = events::prompt_state::accepted;
    std::optional<prompt_outcome> outcome;  // once it is settled
};

// An answer that claude gets once it is stored.
struct permission_change {
    std::string request_id;
    events::permission_state state = events::permission_state::denied;
    events::answerer by;
    std::string line;
};

// What one or more steps came to. The events are in order.
struct reduction {
    std::vector<events::new_event> events;
    std::vector<events::new_event> ephemeral;
    std::vector<prompt_change> prompts;
    std::vector<events::permission_row> asked;
    std::vector<permission_change> answered;
    std::vector<std::string> withdrawn;  // request ids
    std::vector<claude::control_reply> replies;
    std::vector<claude::other_request> refused;
    int unreadable = 0;
    std::optional<bool> lacks_login;  // as the last result says

    // Nothing in it has to become durable.
    bool only_ephemeral() const {
        return events.empty() && prompts.empty() && asked.empty() && answered.empty() && withdrawn.empty();
    }
};

// An answer to a permission request, as readers are told of it.
struct given_answer {
    std::string behavior;  // allow, deny
    events::answerer by;
    nlohmann::json details = nlohmann::json::object();  // see permission_forms.hpp
    std::vector<std::string> grants;                    // rules that are allowed for the session from now on
};

// How a claude ended, as far as it was found out.
struct process_end {
    std::string error;                 // a sentence; empty if it was asked to end
    std::vector<std::string> arrived;  // the open prompts that its transcript has
    bool keeps_waiting = false;        // another claude will get the prompts that this one was not given
};

class turn_reducer {
public:
    turn_reducer(events::session_row row, turn_memory memory) : row_(std::move(row)), memory_(std::move(memory)) {}

    const events::session_row& row() const { return row_; }
    events::session_row& row() { return row_; }
    const turn_memory& memory() const { return memory_; }
    turn_memory& memory() { return memory_; }
    bool busy() const;
    // A turn, or an agent in the background: claude goes on, and tells the model what came of it in a turn of its own.
    bool working() const;

    void on_line(const claude::stream_message& message, std::int64_t now_ms, reduction& out);

    // session.created: the first thing that readers hear.
    void announce(std::int64_t now_ms, reduction& out);
    // A new claude runs for the session.
    void on_started(std::int64_t now_ms, reduction& out);
    void on_prompt_accepted(const std::string& uuid, const std::string& text, std::int64_t now_ms, reduction& out,
                            prompt_progress progress = prompt_progress::accepted);
    // What a caller chose for it; empty: stays.
    void on_updated(const std::string& title, const std::string& model, const std::string& permission_mode,
                    std::int64_t now_ms, reduction& out);
    // Prompts that wait are about to be given to claude. False: there are none.
    bool on_prompts_given();
    // Prompts that wait will not be given to any claude: `state` is cancelled or rejected, `error` a sentence.
    void on_prompts_dropped(events::prompt_state state, const std::string& error, std::int64_t now_ms, reduction& out);
    // False: no such request is open.
    bool on_permission_answered(const std::string& request_id, const given_answer& answer, std::int64_t now_ms,
                                reduction& out);
    // All of them, or (id) one. Returns how many there were.
    std::size_t on_grants_withdrawn(const std::string& id, const events::answerer& by, std::int64_t now_ms,
                                    reduction& out);
    // Requests from now on end after that time. 0: never.
    void expire_after(std::int64_t seconds) { expiry_s_ = seconds; }
    // After an attach: the requests that claude really has open. What we hold beyond them is withdrawn.
    void on_permissions_listed(const std::vector<claude::permission_ask>& open, std::int64_t now_ms, reduction& out);
    void on_process_end(const process_end& end, std::int64_t now_ms, reduction& out);

private:
    // What session.updated is told of.
    struct shown {
        events::session_status status;
        events::session_state state;
        std::string title, model, permission_mode;
        bool operator==(const shown&) const = default;
    };
    shown look() const { return {row_.status, row_.state, row_.title, row_.model, row_.permission_mode}; }
    void tell_if_changed(const shown& before, std::int64_t now_ms, reduction& out);

    void apply(const claude::turn_init& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::assistant_line& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::user_line& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::compact_boundary& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::stream_event& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::turn_result& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::permission_ask& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::other_request& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::request_withdrawn& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::control_reply& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::prompt_lifecycle& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::state_changed& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::task_started& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::task_finished& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::api_retry& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::title_changed& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::mode_changed& m, std::int64_t now_ms, reduction& out);
    void apply(const claude::ignored_line&, std::int64_t, reduction&) {}
    void apply(const claude::unreadable_line& m, std::int64_t now_ms, reduction& out);

    open_message& message_of(const std::string& id, const std::string& model, const std::string& parent,
                             std::int64_t at_ms, reduction& out);
    void tell_part(const char* type, const std::string& message_id, nlohmann::json part, reduction& out) const;
    void tell_message(const std::string& id, const char* role, const claude::user_line& line,
                      std::vector<nlohmann::json> parts, std::int64_t now_ms, reduction& out);
    void settle(const std::string& uuid, events::prompt_state state, prompt_outcome outcome, reduction& out);
    void withdraw(const std::string& request_id, reduction& out);
    void tell_cut_off(const std::string& id, const open_tool& tool, const char* why, reduction& out) const;
    bool ends_with_the_turn(const open_tool& tool) const;
    void forget_turn();

    events::session_row row_;
    turn_memory memory_;
    std::int64_t expiry_s_ = 0;
};

}  // namespace agent::session
