// The requests of the revisions up to 2025-11-25 that begin a session or set something in it.
#pragma once

#include <memory>

#include "common/mcp/live_sessions.hpp"
#include "common/mcp/method_answer.hpp"
#include "common/mcp/response_stream.hpp"

namespace common::mcp {

// initialize. The answer gets the new session's id as a field.
method_answer initialize(request_context& context, const message& request, response_stream& answer);

// logging/setLevel, resources/subscribe, resources/unsubscribe, ping; −32601 for all others.
method_answer answer_session_method(request_context& context, const message& request);

// What this process keeps of the context's session, which must have a name.
std::shared_ptr<live_session> live_session_of(request_context& context);

}  // namespace common::mcp
