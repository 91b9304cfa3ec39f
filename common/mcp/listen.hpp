// subscriptions/listen of 2026-07-28 (basic/patterns/subscriptions): a POST whose answer is an event stream of the changes
// that the client asked for, until either side ends it.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "common/mcp/envelope.hpp"
#include "common/mcp/media_types.hpp"
#include "common/mcp/request_context.hpp"

namespace common::mcp {

// Is there anything that a client could be told of?
bool has_news(const offered_features& offered);

boost::asio::awaitable<void> listen(request_context& context, const message& request, accepted_types accepted);

}  // namespace common::mcp
