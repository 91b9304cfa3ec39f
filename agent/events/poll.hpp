// What poll_events means, over the log: where a reader without a cursor begins, what it is told first, when it waits.
// Stateless; call it on the agent's I/O thread. Fails as log::read does.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/events/log.hpp"

namespace agent::events {

// What an opaque cursor holds of this machine.
struct position {
    std::string log_id;
    std::int64_t seq = 0;
    std::int64_t live = 0;  // of the ephemeral events, see filter::ephemeral_after; 0 if the cursor does not carry it
    bool operator==(const position&) const = default;
};

struct poll_request {
    std::string session_id;             // empty: the whole machine
    std::optional<position> from;       // none: the current or last turn, or without session_id the last 60 s
    std::chrono::milliseconds timeout{5000};
    int limit = 200;
};

struct poll_reply {
    std::vector<std::string> events;  // each one JSON object, see event_json()
    position next;                    // pass as `from` to go on
    bool has_more = false;
};

boost::asio::awaitable<proto::result<poll_reply>> poll(log& source, poll_request request);

// {"type":…,"seq":…,"ordinal":…,"at":…,"session_id":…, then the members of the body}.
std::string event_json(const event& e);

}  // namespace agent::events
