// GET of the revisions up to 2025-11-25: the stream of news that a session can have, and the rest of a call's stream for a
// client that lost it (Last-Event-ID).
#pragma once

#include <optional>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/media_types.hpp"
#include "common/mcp/request_context.hpp"

namespace common::mcp {

boost::asio::awaitable<void> get_stream(request_context& context, accepted_types accepted);

}  // namespace common::mcp
