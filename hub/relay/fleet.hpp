// The answers that are the whole workspace's: its machines from the directory, and what all linked machines say to one
// call, put together. Each is the structuredContent of the tool. Hub's executor.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "common/mcp/backend.hpp"
#include "hub/directory/sessions.hpp"
#include "hub/links/registry.hpp"
#include "hub/relay/fleet_cursors.hpp"
#include "hub/relay/machine_finder.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::relay {

class fleet {
public:
    using answer = boost::asio::awaitable<proto::result<nlohmann::json>>;

    // Everything given outlives the fleet.
    fleet(machine_finder& machines, links::registry& links, directory::sessions& sessions, fleet_cursors& cursors,
          std::int64_t started_at_ms);

    answer list_machines(const proto::principal& who);
    answer get_machine(const proto::principal& who, std::string id_or_name);

    // list_projects, list_sessions, get_health, get_health_details, get_state: asked everywhere, joined, with unreachable[]. `arguments` are the call's,
    // validated.
    answer ask_all(const common::mcp::tool_call& call, const nlohmann::json& arguments, common::mcp::call_reply& reply);
    // poll_events without a session: first what all machines have already, then waits for the first that has something.
    answer poll(const common::mcp::tool_call& call, const nlohmann::json& arguments, common::mcp::call_reply& reply);

private:
    nlohmann::json machine_json(const tenancy::machine& m) const;

    machine_finder& machines_;
    links::registry& links_;
    directory::sessions& sessions_;
    fleet_cursors& cursors_;
    std::int64_t started_at_ms_;
};

}  // namespace hub::relay
