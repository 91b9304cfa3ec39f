// The parameters of the requests that a back end runs, as raw spans. Pure functions.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "common/mcp/envelope.hpp"
#include "common/mcp/request_context.hpp"
#include "common/mcp/run_request.hpp"

namespace common::mcp {

struct run_parameters {
    std::string name;  // the tool's or prompt's; the resource's URI
    std::string_view arguments = "{}";
    std::string_view progress_token;   // raw, or empty
    std::string_view input_responses;  // raw object, or empty
    std::string request_state;
};

// The error is the message of a −32602.
std::expected<run_parameters, std::string> read_run_parameters(const message& request, run_method method,
                                                               bool is_modern);

// The fields Mcp-Param-* of a tools/call against its arguments (2026-07-28); empty if they agree, else a sentence.
std::string check_param_fields(const request_context& context, const run_parameters& parameters);

}  // namespace common::mcp
