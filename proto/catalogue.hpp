// The tools, each declared once in proto/tools/*.json and compiled in: listing, validation, rights and routing read it.
// Immutable after the first use; from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "proto/principal.hpp"

namespace proto {

enum class tool_route {
    one,      // `machine`, or the only machine there is
    session,  // the machine that has `session_id`; without one (poll_events) by `cursor`, `machine`, or all
    project,  // `machine`, or the only one with that `slug` / `cwd`
    fan_out,  // all machines, or the one in `machine`
    hub,      // answered by the hub; without a hub by the agent, for itself
};

struct tool {
    std::string name;
    std::string title;
    std::string description;
    nlohmann::json input_schema;
    nlohmann::json output_schema;
    nlohmann::json annotations;
    std::string scope;
    tool_route route = tool_route::one;
    bool write = false;       // journalled before it acts; takes idempotency_key
    bool idempotent = false;  // sending it twice does no more than once
    // Of each group at least one must be given. Outside the schema, because the Messages API refuses tools whose
    // input_schema has anyOf at its top level, and with them the whole request of the client.
    std::vector<std::vector<std::string>> any_required;
    std::string listing;  // its element of tools/list, compact JSON
};

class catalogue {
public:
    const tool* find(std::string_view name) const;  // nullptr if there is none
    const std::vector<tool>& all() const { return tools_; }
    // The `tools` array of tools/list as JSON text, in the fixed order: all, or what this caller's scopes allow.
    const std::string& list_json() const { return list_json_; }
    std::string list_json(const principal& who) const;
    std::vector<std::string> names() const;
    // Changes whenever any declaration does: hello tells it, so that a hub knows agents of another version.
    const std::string& digest() const { return digest_; }

private:
    friend const catalogue& tools();
    catalogue();

    std::vector<tool> tools_;
    std::string list_json_;
    std::string digest_;
};

const catalogue& tools();

}  // namespace proto
