// A prompt on its way to a session, for the tools that send one: the policy of now, sessions that claude left on the disk,
// and what is sent once only.
#pragma once

#include <string>

#include "agent/tools/tool.hpp"

namespace agent::tools {

// What a call without an idempotency key means whose very text the same caller sent before, and claude still has to do.
enum class same_text { is_sent, is_that_prompt };

boost::asio::awaitable<proto::result<session::sent>> deliver_prompt(const services& s, const call_context& c,
                                                                    same_text repeated);

}  // namespace agent::tools
