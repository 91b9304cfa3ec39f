// The requests that a back end runs: tools/call, prompts/get and resources/read, for any era. Reads the parameters as raw
// spans, runs the handler and turns its outcome into one message of the answer.
#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/envelope.hpp"
#include "common/mcp/request_context.hpp"
#include "common/mcp/response_stream.hpp"

namespace common::mcp {

enum class run_method : std::uint8_t { call_tool, get_prompt, read_resource };

// Nullopt for a method that is none of them, or that the back end does not offer.
std::optional<run_method> run_method_of(const offered_features& offered, std::string_view method);

// `request_id` is the one in logs, errors and audit.
// False: the back end failed with half a result written; the answer has been aborted and takes nothing more.
boost::asio::awaitable<bool> run_request(request_context& context, const message& request, run_method method,
                                         std::string request_id, response_stream& answer);

}  // namespace common::mcp
