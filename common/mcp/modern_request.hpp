// What every request of 2026-07-28 says about itself: the keys of its _meta, and the fields that repeat parts of its body.
// Pure functions.
#pragma once

#include <expected>
#include <optional>

#include "common/mcp/client_terms.hpp"
#include "common/mcp/envelope.hpp"
#include "common/mcp/rpc_text.hpp"
#include "common/net/http.hpp"

namespace common::mcp {

constexpr std::string_view client_capabilities_meta_key = "io.modelcontextprotocol/clientCapabilities";
constexpr std::string_view log_level_meta_key = "io.modelcontextprotocol/logLevel";

// 400 with −32602 for a key that is missing or of the wrong form. `classify()` has seen to the version.
std::expected<client_terms, rejection> read_modern_terms(const message& request);

// Mcp-Method and Mcp-Name: 400 with −32020 if one is missing, occurs twice or says something else than the body.
std::optional<rejection> check_modern_fields(const message& request, const net::http_fields& fields);

// Of W3C Trace Context `traceparent`, as MCP has it in _meta; empty if it is not of that form.
std::string read_trace_parent(std::string_view meta);

}  // namespace common::mcp
