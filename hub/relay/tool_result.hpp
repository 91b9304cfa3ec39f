// The CallToolResult of a result object that the hub itself makes (MCP 2025-11-25, server/tools: structuredContent and,
// for clients that do not read it, the same as text). Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace hub::relay {

std::string tool_result(const nlohmann::json& value);

}  // namespace hub::relay
