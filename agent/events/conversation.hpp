// A session's conversation, rebuilt from its message.* events. Runs SQL off the I/O thread.
//
// The bodies that it reads, and that the session engine writes (shapes of Message and Part: CodeZ's, each with an
// id):
//   message.created         {"sessionId", "message":{id, sessionId, role, model?, time:{created}, parts:[…]}}
//   message.part.updated    {"sessionId", "messageId", "part":{id, type, …}}   new part, or the part as it is now
//   message.part.completed  {"sessionId", "messageId", "part":{id, type, …}}   the part as it stays
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/events/log.hpp"

namespace agent::events {

struct conversation {
    std::vector<std::string> messages;  // each one JSON object, oldest first
    bool truncated = false;             // older messages were left out
};

struct conversation_limit {
    std::size_t messages = 200;    // the newest ones
    std::size_t bytes = 4u << 20;  // of their JSON text
};

boost::asio::awaitable<proto::result<conversation>> read_conversation(log& source, std::string session_id,
                                                                      conversation_limit limit = {});

}  // namespace agent::events
