// The methods of 2026-07-28: stateless, every request for itself. Shared by all exchanges, from any thread.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "common/mcp/envelope.hpp"
#include "common/mcp/media_types.hpp"
#include "common/mcp/request_context.hpp"

namespace common::mcp {

// One message that classify() found to be of this era.
boost::asio::awaitable<void> post_modern(request_context& context, const message& request, accepted_types accepted);

}  // namespace common::mcp
