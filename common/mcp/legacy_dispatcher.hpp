// The methods of the revisions up to 2025-11-25: initialize, sessions, ping, tools, batches of 2025-03-26.
// Shared by all exchanges, from any thread.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/ended_sessions.hpp"
#include "common/mcp/envelope.hpp"
#include "common/mcp/media_types.hpp"
#include "common/mcp/request_context.hpp"
#include "common/mcp/response_stream.hpp"
#include "common/mcp/session_id.hpp"

namespace common::mcp {

class legacy_dispatcher {
public:
    explicit legacy_dispatcher(std::size_t ended_sessions_max) : ended_(ended_sessions_max) {}

    // `version_header` names a version we serve, or nothing.
    boost::asio::awaitable<void> post(request_context& context, const posted_body& body, accepted_types accepted,
                                      std::optional<std::string_view> version_header);

    // DELETE.
    boost::asio::awaitable<void> end_session(request_context& context);

private:
    // The session that the request names; nullopt if it names none.
    std::expected<std::optional<legacy_session>, rejection> session_of(const request_context& context) const;
    boost::asio::awaitable<void> answer_requests(request_context& context, const posted_body& body,
                                                 accepted_types accepted, const std::string& scope);
    std::string answer(request_context& context, const message& request, response_stream& answer) const;

    ended_sessions ended_;
};

}  // namespace common::mcp
