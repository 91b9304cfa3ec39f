// Keeps how a new session's git work tree is, for session_diff to compare with.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/tools/tool.hpp"

namespace agent::tools {

// Before the session's first prompt. Not in a work tree: does nothing.
boost::asio::awaitable<void> record_base(const services& s, std::string session_id, std::string cwd);

}  // namespace agent::tools
