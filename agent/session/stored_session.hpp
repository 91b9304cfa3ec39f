// A session that has no process, read from the log and written back with what changed. The caller has reserved it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/events/log.hpp"
#include "agent/events/prompt_rows.hpp"
#include "agent/events/session_rows.hpp"
#include "agent/session/turn_reducer.hpp"

namespace agent::session {

struct stored_session {
    std::optional<events::session_row> row;  // none: there is no such session
    std::string memory;
};

boost::asio::awaitable<proto::result<stored_session>> load_session(events::log& log, std::string id);

// What stores the session, what `changes` came to, and `prompt` if there is one.
events::batch batch_of(const turn_reducer& reducer, const reduction& changes, std::optional<events::prompt_row> prompt,
                       std::int64_t now_ms);

}  // namespace agent::session
