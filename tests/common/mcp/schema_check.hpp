// Holds a message against a definition of the published MCP schema of a revision, by the keywords that
// those files use.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace common::mcp::test {

// What is wrong with it, with a path; empty if nothing is.
std::string check_schema(std::string_view revision, const std::string& definition, const nlohmann::json& value);

// The same of a whole message that we send. `method` is the request's that a result is for.
std::string check_message(std::string_view revision, const nlohmann::json& message, const std::string& method);

}  // namespace common::mcp::test
