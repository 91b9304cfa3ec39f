// How one request wants to be answered: what its client speaks, can do and wants to hear. Read from the request itself
// (2026-07-28) or from the session that it names (before). Plain value.
#pragma once

#include <optional>
#include <string>

#include "common/mcp/call_reply.hpp"
#include "common/mcp/era.hpp"
#include "common/mcp/mcp_request.hpp"

namespace common::mcp {

struct client_terms {
    era speaks = era::legacy;
    std::string version;
    client_abilities client;
    std::optional<log_level> log_from;  // notifications/message from this level on; nullopt: none
    std::string scope;                  // whose notifications/cancelled may end the waiting
    std::string session;                // its name; empty if there is none
    std::string trace_parent;

    bool is_modern() const { return speaks == era::modern; }
    // Streams that begin with an event without data, and may be left and resumed (2025-11-25).
    bool may_pause() const { return !session.empty() && version == latest_legacy_version; }
};

// Out of a raw ClientCapabilities object. What is not understood is not there.
client_abilities read_abilities(std::string_view capabilities);

std::optional<log_level> parse_log_level(std::string_view name);
std::string_view to_string(log_level level);

}  // namespace common::mcp
