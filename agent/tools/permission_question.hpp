// A permission request as a form for the person at the client, and what the form says when it comes back. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/session/engine.hpp"
#include "common/mcp/call_reply.hpp"

namespace agent::tools {

// Nullopt for a request that a yes or no does not answer, or that has no place in a form.
std::optional<common::mcp::input_request> question_for(const session::pending_permission& request,
                                                       const session::summary& of);

// The answer to that question: an ElicitResult, unchecked. Nullopt if the person did not decide, or nobody can tell what.
std::optional<session::permission_answer> decision_in(std::string_view elicit_result,
                                                      const session::pending_permission& request);

}  // namespace agent::tools
