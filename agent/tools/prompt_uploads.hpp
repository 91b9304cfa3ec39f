// The `uploads` of a prompt: files are put where claude can read them, and named; images become part of it.
#pragma once

#include "agent/session/engine.hpp"
#include "agent/tools/tool.hpp"

namespace agent::tools {

// Changes text, images and, if there is none yet, the uuid of the prompt. Without `uploads` nothing happens.
boost::asio::awaitable<proto::result<void>> attach_uploads(const services& s, const call_context& c,
                                                           session::prompt_request& prompt);

}  // namespace agent::tools
