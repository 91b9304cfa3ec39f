// Sessions that Claude Code left on this machine's disk, as the tools meet them: found by their id, read, and taken over
// by the engine when somebody sends them a prompt. Files are read on the pool.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/events/conversation.hpp"
#include "agent/history/projects.hpp"
#include "agent/tools/tool.hpp"

namespace agent::tools {

// not_found also for one whose directory the policy does not open: it is nobody's business.
boost::asio::awaitable<proto::result<history::session>> find_in_history(const services& s, std::string session_id);

// The newest messages of its transcript; only what lies in the first `end` bytes, unless that is negative.
boost::asio::awaitable<proto::result<events::conversation>> read_history(const services& s, std::string session_id,
                                                                         events::conversation_limit limit,
                                                                         std::int64_t end);

// Makes it one of the engine's sessions. Slug and cwd of the arguments must be its own, and the policy must open its
// directory to sessions.
boost::asio::awaitable<proto::result<void>> adopt(const services& s, const call_context& c, std::string session_id);

// session_busy if a claude that is not the engine's has it open: two of them would write one conversation.
boost::asio::awaitable<proto::result<void>> check_unused(const services& s, std::string session_id);

}  // namespace agent::tools
