// The methods of the revisions up to 2025-11-25: initialize, sessions, ping, subscriptions, log level, batches of
// 2025-03-26. Pure functions on what exchanges share.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/envelope.hpp"
#include "common/mcp/media_types.hpp"
#include "common/mcp/request_context.hpp"
#include "common/mcp/session_id.hpp"

namespace common::mcp {

// `version_header` names a legacy version, or nothing.
boost::asio::awaitable<void> post_legacy(request_context& context, const posted_body& body, accepted_types accepted,
                                         std::optional<std::string_view> version_header);

// DELETE.
boost::asio::awaitable<void> end_session(request_context& context);

// The session that the request names; nullopt if it names none.
std::expected<std::optional<legacy_session>, rejection> session_of(const request_context& context);

// What the session, or its absence, makes of the context.
void take_terms(request_context& context, const std::optional<legacy_session>& session, std::string_view version);

}  // namespace common::mcp
