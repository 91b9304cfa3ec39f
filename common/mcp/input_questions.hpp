// Questions to the client, as text: which capability each needs, and how they look on the wire. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "common/mcp/call_reply.hpp"
#include "common/mcp/mcp_request.hpp"

namespace common::mcp {

std::string_view method_of(input_kind kind);

// A raw ClientCapabilities object of what the client lacks to answer them; empty if it lacks nothing.
std::string capabilities_lacking(const client_abilities& client, std::span<const input_request> questions);

// Keys that are names and differ, parameters that are objects, not too many: what a back end must keep to.
bool are_sound(std::span<const input_request> questions);

// `"key":{"method":…,"params":…}`
std::string input_request_text(const input_request& question);
// The JSON-RPC request of the eras that had it. `id` is raw.
std::string question_text(std::string_view id, const input_request& question);
// notifications/cancelled for it.
std::string question_withdrawn_text(std::string_view id, std::string_view reason);

}  // namespace common::mcp
