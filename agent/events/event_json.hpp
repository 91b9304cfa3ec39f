// Events as callers see them. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/events/log.hpp"
#include "agent/events/permission_rows.hpp"

namespace agent::events {

// {"type":…,"seq":…,"ordinal":…,"at":…,"session_id":…, then the members of the body}. Events that are not stored have
// "ephemeral":true in the ordinal's place.
std::string event_json(const event& e);

// A channel.permission_request as a reader gets it that begins after the request's own event: "pending":true.
std::string pending_json(const permission_row& row, std::int64_t seq);

// Tells a reader that events may be missing before `seq`. `reason` is a sentence.
std::string gap_json(const std::string& session_id, std::int64_t seq, std::int64_t at_ms, std::string_view reason);

}  // namespace agent::events
