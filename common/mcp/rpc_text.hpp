// The JSON-RPC messages that the engine itself writes, as text. Pure functions; ids are echoed byte for byte.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/error.hpp"

namespace common::mcp {

// JSON-RPC 2.0 §5.1, and what MCP adds. Failures of a tool never use them: they are results with isError.
namespace rpc_code {
constexpr int parse_error = -32700;
constexpr int invalid_request = -32600;
constexpr int method_not_found = -32601;
constexpr int invalid_params = -32602;
constexpr int internal_error = -32603;
constexpr int resource_not_found = -32002;            // until 2025-11-25; −32602 since
constexpr int session_not_found = -32001;             // what the TypeScript SDK's server answers, with 404
constexpr int header_mismatch = -32020;               // 2026-07-28
constexpr int missing_client_capability = -32021;     // 2026-07-28
constexpr int unsupported_protocol_version = -32022;  // 2026-07-28
}  // namespace rpc_code

// A request that is refused before it is dispatched: becomes an HTTP status with a JSON-RPC error as body.
struct rejection {
    int status = 400;
    int code = rpc_code::invalid_request;
    std::string message;
    std::string data = {};  // raw JSON, or empty
    std::string id = {};    // the request's, raw; empty where it is unknown

    static rejection of(int status, int code, std::string message) {
        return {.status = status, .code = code, .message = std::move(message)};
    }
};

// A JSON string literal. Bytes that are not UTF-8 become U+FFFD.
std::string quote_json(std::string_view text);

std::string result_text(std::string_view id, std::string_view result);
// Without an id where the id is unknown, as the specification has it for transport errors.
std::string error_text(std::string_view id, int code, std::string_view message, std::string_view data = {});
std::string error_text(const rejection& refused);

// The CallToolResult of a failed tool: the error as text, and the same as a member of its _meta. Never structuredContent,
// which clients hold against the tool's output schema.
struct tool_error {
    std::string result;  // without _meta
    std::string meta;    // "codez/error":{…}
};
tool_error tool_error_result(const proto::error& error, std::string_view request_id);

// notifications/progress. `token` is raw; nullopt if a figure is not a number that JSON has.
std::optional<std::string> progress_text(std::string_view token, double progress, std::optional<double> total,
                                         std::string_view message);

// notifications/message. `data` is raw JSON; an empty logger is left out.
std::string log_text(std::string_view level, std::string_view logger, std::string_view data);

}  // namespace common::mcp
