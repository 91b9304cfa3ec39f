#include "common/mcp/call_tool.hpp"

#include <array>
#include <exception>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/json_members.hpp"
#include "common/mcp/tool_call_reply.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

struct call_parameters {
    std::string name;
    std::string_view arguments;
    std::string_view progress_token;  // raw, or empty
};

// The error is the message of a −32602.
std::expected<call_parameters, std::string> read_parameters(const message& request) {
    constexpr std::array<std::string_view, 2> names{"name", "arguments"};
    std::array<std::string_view, 2> values;
    if (!read_members(request.params, names, values)) {
        return std::unexpected("Invalid params: \"name\" or \"arguments\" occurs twice.");
    }
    const auto& [name, arguments] = values;
    std::optional<std::string> decoded = decode_string(name, proto::limits::name_bytes_max);
    if (!decoded) {
        return std::unexpected(
            fmt::format("Invalid params: \"name\" must be a tool's name, a string of at most {} bytes.",
                        proto::limits::name_bytes_max));
    }
    if (!arguments.empty() && kind_of(arguments) != json_kind::object) {
        return std::unexpected("Invalid params: \"arguments\" must be an object.");
    }
    constexpr std::array<std::string_view, 1> token_name{"progressToken"};
    std::array<std::string_view, 1> token;
    const bool is_unique = read_members(request.meta, token_name, token);
    const json_kind kind = kind_of(token[0]);
    const bool is_token = kind == json_kind::none || kind == json_kind::string || kind == json_kind::integer;
    if (!is_unique || !is_token || token[0].size() > rpc_id_bytes_max) {
        return std::unexpected(
            fmt::format("Invalid params: _meta.progressToken must be one string or integer of at most {} bytes.",
                        rpc_id_bytes_max));
    }
    call_parameters parameters;
    parameters.name = *std::move(decoded);
    parameters.arguments = arguments.empty() ? std::string_view("{}") : arguments;
    parameters.progress_token = token[0];
    return parameters;
}

proto::error no_result() {
    return {.code = proto::error_code::internal,
            .message = "The tool ended without a result.",
            .hint = "Report this with the request id; the call may have taken effect.",
            .details = {}};
}

// Runs the call; an exception is a bug, reported and shown as `internal` without its text.
boost::asio::awaitable<proto::result<void>> run(request_context& context, const tool_call& call,
                                                tool_call_reply& reply) {
    proto::result<void> outcome;
    try {
        outcome = co_await context.tools.call(call, reply);
    } catch (const std::exception& bug) {
        if (context.options.report_bug) context.options.report_bug(call.request_id, bug.what());
        outcome = std::unexpected(proto::error{.code = proto::error_code::internal,
                                               .message = "The call failed inside CodeZ.",
                                               .hint = "Report this with the request id.",
                                               .details = {}});
    }
    if (outcome && !reply.has_written()) outcome = std::unexpected(no_result());
    co_return outcome;
}

}  // namespace

boost::asio::awaitable<bool> call_tool(request_context& context, const message& request, const call_names& names,
                                       response_stream& answer) {
    const std::expected<call_parameters, std::string> parameters = read_parameters(request);
    if (!parameters) {
        const std::string text = error_text(request.id, rpc_code::invalid_params, parameters.error());
        co_await answer.write_message(text);
        co_return true;
    }
    if (!context.tools.has_tool(parameters->name)) {
        const std::string text =
            error_text(request.id, rpc_code::invalid_params,
                       fmt::format("Unknown tool: {}. tools/list names those there are.", parameters->name));
        co_await answer.write_message(text);
        co_return true;
    }

    tool_call call;
    call.tool = parameters->name;
    call.arguments = parameters->arguments;
    call.who = &context.who;
    call.request_id = names.request_id;
    call.wants_progress = !parameters->progress_token.empty();
    call.depth = context.depth;

    const auto cancellation = std::make_shared<call_cancellation>(context.executor);
    const std::optional<calls_in_flight::ticket> ticket =
        context.calls.add(names.scope, request.id, [cancellation] { cancellation->request_from_anywhere(); });
    proto::result<void> outcome;
    tool_call_reply reply(answer, *cancellation, request.id, parameters->progress_token);
    if (ticket) {
        context.exchange.on_peer_closed([cancellation] { cancellation->request(); });
        outcome = co_await run(context, call, reply);
        context.exchange.on_peer_closed({});
        cancellation->close();
    } else {
        outcome = proto::fail(proto::error_code::resource_exhausted, "Too many calls are running here.",
                              "Wait for some to end, then send the call again.");
    }

    if (!outcome && reply.has_written()) {
        co_await answer.abort();
        co_return false;
    }
    if (outcome) {
        co_await reply.end();
        co_return true;
    }
    const std::string text = result_text(request.id, tool_error_result(outcome.error(), names.request_id));
    co_await answer.write_message(text);
    co_return true;
}

}  // namespace common::mcp
