// What the exchanges of one engine share. Every member has its own lock.
#pragma once

#include "common/mcp/calls_in_flight.hpp"
#include "common/mcp/change_feed.hpp"
#include "common/mcp/ended_sessions.hpp"
#include "common/mcp/engine.hpp"
#include "common/mcp/kept_stream.hpp"
#include "common/mcp/live_sessions.hpp"
#include "common/mcp/waiting_questions.hpp"

namespace common::mcp {

struct shared_state {
    explicit shared_state(const engine_options& options)
        : calls(options.calls_in_flight_max),
          ended(options.ended_sessions_max),
          changes(options.listeners_max, options.listeners_per_principal_max),
          sessions(options.sessions_kept_max, changes),
          streams(options.streams_kept_max, options.stream_bytes_kept_max, options.bytes_kept_max),
          questions(options.questions_waiting_max) {}

    calls_in_flight calls;
    ended_sessions ended;
    change_feed changes;
    live_sessions sessions;
    kept_streams streams;
    waiting_questions questions;
};

}  // namespace common::mcp
