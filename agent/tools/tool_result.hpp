// A handler's object as the CallToolResult that clients get. Runs on the reply's executor.
#pragma once

#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/backend.hpp"

namespace agent::tools {

// Writes structuredContent, and the same as text for clients that do not read it (MCP 2025-11-25, server/tools). A large
// object is escaped piece by piece, so that its text form is never whole in memory. False: the caller went away.
// `object` stays until the awaitable is done.
boost::asio::awaitable<bool> write_result(common::mcp::call_reply& reply, std::string_view object);

}  // namespace agent::tools
