// How principals of the agent's own endpoints are named. client_id tells whether a program that calls runs in a session.
#pragma once

#include <string_view>

namespace agent::local {

inline constexpr std::string_view program_client = "loopback";  // a program outside of all sessions
inline constexpr std::string_view session_client = "session:";  // followed by the session's id: one that runs in it
inline constexpr std::string_view hidden_client = "hidden";     // one that could not be found out

// The workspace of those who reach the agent directly; a hub cannot have it, nor "local".
inline constexpr std::string_view direct_workspace = "direct";

}  // namespace agent::local
