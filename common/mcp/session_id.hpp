// Legacy sessions as sealed handles: Mcp-Session-Id carries the negotiated version and what the client can
// do, bound to the principal, so any
// replica opens it, across every restart, without storage. It has no expiry: it is a name, never a credential, and
// clients cannot cope with losing it (the TypeScript SDK v1 has no handling of 404).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/mcp/engine.hpp"
#include "common/mcp/mcp_request.hpp"

namespace common::mcp {

struct legacy_session {
    std::string name;     // unique, random: what ended sessions and calls in flight are kept by
    std::string version;  // as negotiated
    client_abilities client;
};

std::string seal_session(const engine_options& options, std::string_view principal_key, std::string_view version,
                         const client_abilities& client);

// Nullopt for what was not sealed for this principal, whatever the reason.
std::optional<legacy_session> open_session(const engine_options& options, std::string_view principal_key,
                                           std::string_view sealed);

}  // namespace common::mcp
