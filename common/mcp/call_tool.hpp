// tools/call, for any era: reads the parameters as raw spans, runs the back end's call and turns its outcome into one
// message of the answer.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/envelope.hpp"
#include "common/mcp/request_context.hpp"
#include "common/mcp/response_stream.hpp"

namespace common::mcp {

struct call_names {
    std::string scope;       // whose notifications/cancelled may end the waiting
    std::string request_id;  // in logs, errors and audit
};

// False: the back end failed with half a result written; the answer has been aborted and takes nothing more.
boost::asio::awaitable<bool> call_tool(request_context& context, const message& request, const call_names& names,
                                       response_stream& answer);

}  // namespace common::mcp
