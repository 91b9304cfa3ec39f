// How a caller's answer gets to a permission request, whichever tool took it: the policy's word first, then the engine's.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "agent/tools/tool.hpp"

namespace agent::tools {

// May this caller answer permission requests, or set the mode that answers them beforehand?
proto::result<void> may_answer_permissions(const services& s, const call_context& c);
// The same of those that its own prompt leads to.
proto::result<void> may_answer_own_prompt(const services& s, const call_context& c);

// `remote`: the answer came from elsewhere. Who gave it is recorded: a person, a client, a program on this machine.
// The principal stays until the awaitable is done.
boost::asio::awaitable<proto::result<void>> answer_permission(const services& s, const proto::principal& who,
                                                              bool remote, session::permission_answer given);

}  // namespace agent::tools
