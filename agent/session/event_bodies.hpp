// The bodies of the events that the engine writes: CodeZ's names and shapes, every text bounded so
// that an event always fits a page. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "agent/claude/stream_message.hpp"
#include "agent/events/log.hpp"
#include "agent/events/permission_rows.hpp"
#include "agent/events/session_rows.hpp"
#include "agent/session/turn_memory.hpp"

namespace agent::session {

using json = nlohmann::json;

inline constexpr std::size_t event_text_bytes_max = 512 * 1024;
inline constexpr std::size_t event_payload_bytes_max = 256 * 1024;

// Cut between characters; `text` itself when it is short enough.
std::string bounded_text(std::string_view text, std::size_t bytes);
// The value, or when its text is longer {truncated, bytes, preview}.
json bounded_payload(const json& value);

std::string dump(const json& value);
events::new_event make_event(const std::string& session_id, std::string type, json body, bool starts_turn = false);

// CodeZ's Session. The long lists of the metadata stay out: get_session has them.
json session_json(const events::session_row& row);

json text_part(std::string id, std::string_view type, std::string_view text);
json running_tool_part(const std::string& tool_use_id, const open_tool& tool);
json finished_tool_part(const std::string& tool_use_id, const open_tool& tool, const claude::content_block& result);
json result_part(const claude::turn_result& result);

// Claude tries again after the API failed: attempt, maxAttempts, delayMs, reason, status.
json retry_json(const claude::api_retry& retry);

// Did it fail for want of a login that is good?
bool lacks_login(const claude::turn_result& result);
// Why a turn failed, as a sentence for its user; empty if it did not.
std::string failure_of(const claude::turn_result& result);

events::permission_row permission_row_of(const std::string& session_id, const claude::permission_ask& ask,
                                         std::int64_t now_ms, std::int64_t expires_at_ms = 0);  // 0: never

// "2026-11-21T05:10:55.825Z" as Unix milliseconds; `otherwise` if it is none.
std::int64_t time_of(const std::string& timestamp, std::int64_t otherwise);

}  // namespace agent::session
