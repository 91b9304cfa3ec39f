// The session that a call wants to change or to prompt, as far as the machine's policy opens it.
#pragma once

#include "agent/tools/tool.hpp"

namespace agent::tools {

// One that claude left on the disk becomes the engine's. Errors: not_found, invalid_argument (`slug` or `cwd` are not the
// session's), session_busy (somebody else runs it), policy_denied.
boost::asio::awaitable<proto::result<session::details>> open_session(const services& s, const call_context& c);

// A symbolic link lies where the directory was.
proto::error replaced(const std::string& directory);

}  // namespace agent::tools
