// The fields that a client of 2026-07-28 sends beside a call's body (basic/transports/streamable-http, "Request
// Metadata"): values in the base64 form, and which properties of a tool are repeated in Mcp-Param-* fields. Pure functions.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mcp/mcp_request.hpp"

namespace common::mcp {

// What a field stands for: itself, or the text in `=?base64?…?=`. Nullopt if that is not base64 of UTF-8 or the value has
// characters that no field may have.
std::optional<std::string> decode_field(std::string_view value);

// The annotated properties of a tool's inputSchema (raw JSON), for backend::header_parameters(). The error says which
// annotation breaks which rule; clients would then not list the tool.
std::expected<std::vector<header_parameter>, std::string> header_parameters_of(std::string_view input_schema);

// Does the field say what the arguments say at that place? `field` is nullopt if it is absent.
bool field_matches(const header_parameter& parameter, std::string_view arguments,
                   std::optional<std::string_view> field);

}  // namespace common::mcp
