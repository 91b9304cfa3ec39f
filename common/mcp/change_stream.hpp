// Sends a watcher's news to a client that holds a stream open: the loop that GET streams and subscriptions/listen share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/change_feed.hpp"
#include "common/mcp/event_output.hpp"
#include "common/mcp/request_context.hpp"

namespace common::mcp {

// The notification of a piece of news; `meta` are members of its _meta, may be empty. Empty if this caller may not know
// it, or it is gone.
boost::asio::awaitable<std::string> news_text(request_context& context, const news& what, std::string meta);

enum class stream_end : std::uint8_t { gone, replaced, ended };

// Runs until the client goes, another reader takes the stream or the watcher is ended. `send` writes one piece of news and
// answers false when the client has gone.
boost::asio::awaitable<stream_end> send_news(request_context& context, watcher& from, event_output& to,
                                             std::function<boost::asio::awaitable<bool>(const news&)> send);

// 429 where a principal has too many streams, 503 where the process has.
rejection too_many_streams(change_feed::refusal refused);

}  // namespace common::mcp
