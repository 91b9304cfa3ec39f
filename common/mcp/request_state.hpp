// requestState of an input_required result (2026-07-28, basic/patterns/mrtr): what the engine needs when the request comes
// again, sealed, so that no replica remembers anything. Bound to the caller and the request, and good for a while; it may
// be used more than once within it. Pure functions but for the clock and the keys in the options.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mcp/call_reply.hpp"
#include "common/mcp/engine.hpp"

namespace common::mcp {

struct request_state {
    std::string state;                   // the back end's
    std::vector<std::string> asked;      // keys that answers are awaited for
    std::vector<input_answer> answered;  // of earlier rounds
};

// What a state is bound to. White space in the arguments does not count: a client may write them anew.
std::string state_binding(std::string_view principal_key, std::string_view method, std::string_view name,
                          std::string_view arguments);

// Nullopt if it would become too long to send around.
std::optional<std::string> seal_state(const engine_options& options, const std::string& binding,
                                      const request_state& state);
// Nullopt for what was not sealed for this request, or too long ago.
std::optional<request_state> open_state(const engine_options& options, const std::string& binding,
                                        std::string_view sealed);

}  // namespace common::mcp
