// The methods that are answered by one short result, in either era: lists, completions, tasks. What differs between the
// eras stands around the result, not in it.
#pragma once

#include <expected>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/envelope.hpp"
#include "common/mcp/request_context.hpp"
#include "common/mcp/result_frame.hpp"

namespace common::mcp {

struct short_result {
    std::string object;  // raw, without the engine's own members
    result_kind kind = result_kind::plain;
};
using method_answer = std::expected<short_result, protocol_error>;

protocol_error invalid_params(std::string message);
// −32021 with what is missing, a raw ClientCapabilities object.
protocol_error missing_capability(std::string_view required);
// What a back end's error is, where it is no tool's. `data` is used for what the caller cannot mend.
protocol_error to_protocol_error(const proto::error& error, std::string_view request_id);

// tools/list, prompts/list, resources/list, resources/templates/list, completion/complete. −32601 for all others and for
// what the back end does not offer.
boost::asio::awaitable<method_answer> answer_method(request_context& context, const message& request);

// tasks/get, tasks/update, tasks/cancel (io.modelcontextprotocol/tasks, 2026-07-28).
boost::asio::awaitable<method_answer> answer_task_method(request_context& context, const message& request);
bool is_task_method(std::string_view method);

// The `capabilities` object of initialize and server/discover.
std::string server_capabilities(const offered_features& offered, bool is_modern);

}  // namespace common::mcp
