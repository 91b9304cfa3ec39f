// What poll_events means, over the log: where a reader without a cursor begins, what it is told first, when it waits.
// Stateless; call it on the agent's I/O thread. Fails as log::read does.
//
// With a cursor: what came after it; waits for the first event. A cursor of another log, or from before a rollback,
// gets a stream.gap event first and starts afresh.
// Without one, with a session: the session's current or last turn from its start, all of it, as soon as the turn is
// over or somebody has to act, or the timeout passes. So a client that knows no cursors sees every event, and does
// not spin. Without one, for the machine: the last 60 s, as soon as no session is busy, or the timeout passes.
// Who starts afresh also gets the permission requests that are pending since before that point, flagged
// "pending":true.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/events/log.hpp"
#include "proto/limits.hpp"

namespace agent::events {

// What an opaque cursor holds of this machine.
struct position {
    std::string log_id;
    std::int64_t seq = 0;
    // Of the ephemeral events, see filter::ephemeral_after. Without it a reader gets none; who starts afresh at a session
    // gets one.
    std::optional<std::int64_t> live = std::nullopt;
    bool operator==(const position&) const = default;
};

struct poll_request {
    std::string session_id;                       // empty: the whole machine
    std::optional<position> from = std::nullopt;  // none: see above
    std::chrono::milliseconds timeout{proto::limits::poll_wait_ms_default};
    int limit = 0;  // 0: a page with a cursor, all that is meant without
};

struct poll_reply {
    std::vector<std::string> events;  // each one JSON object, see event_json()
    position next;                    // pass as `from` to go on
    bool has_more = false;
};

boost::asio::awaitable<proto::result<poll_reply>> poll(log& source, poll_request request);

}  // namespace agent::events
