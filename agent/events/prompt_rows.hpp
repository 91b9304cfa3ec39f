// The prompts that were accepted for sessions, by the uuid that claude echoes. A prompt is stored before it is sent,
// so that after any crash the engine knows what may still have to be sent. For batch::also and log::run; throws as
// they do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.hpp"

namespace agent::events {

enum class prompt_state {
    accepted,  // ours only
    sent,      // handed to the holder
    queued,    // claude said so
    started,   // its turn runs
    completed,
    cancelled,
    unknown,   // claude died and its transcript does not have it
    rejected,  // claude did not take it
};

std::string_view to_string(prompt_state state);

struct prompt_row {
    std::string uuid;
    std::string session_id;
    std::string text;
    prompt_state state = prompt_state::accepted;
    std::string principal;        // principal::key() of who sent it
    std::string idempotency_key;  // empty: none
    std::string via;              // "live" or "resume"
    std::int64_t cursor = 0;      // the seq before the prompt's own first event
    std::string outcome;          // one JSON object, the engine's: what became of it; empty while it is open
    std::int64_t created_at = 0;
    std::int64_t updated_at = 0;
    bool operator==(const prompt_row&) const = default;
};

// False, and nothing changed, if the uuid is there already.
bool insert_prompt(common::db::connection& c, const prompt_row& row);

// False if there is no such prompt.
bool set_prompt_state(common::db::connection& c, std::string_view uuid, prompt_state state, std::int64_t now_ms);

// Its last state, with what became of it. False if there is no such prompt.
bool end_prompt(common::db::connection& c, std::string_view uuid, prompt_state state, std::string_view outcome,
                std::int64_t now_ms);

std::optional<prompt_row> find_prompt(common::db::connection& c, std::string_view uuid);

// Accepted, sent, queued or started, in the order in which they came. At most 1000.
std::vector<prompt_row> open_prompts(common::db::connection& c, std::string_view session_id);

// The newest of those that this principal sent with this very text.
std::optional<prompt_row> find_open_prompt(common::db::connection& c, std::string_view session_id,
                                           std::string_view principal, std::string_view text);

// The newest of the session, whatever its state.
std::optional<prompt_row> last_prompt(common::db::connection& c, std::string_view session_id);

}  // namespace agent::events
