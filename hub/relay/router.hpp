// The hub's back end of the MCP engine: decides which machine a call goes to, by the catalogue's route, and passes bytes.
// One for the hub; hub's executor.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/log/logger.hpp"
#include "common/mcp/backend.hpp"
#include "hub/directory/sessions.hpp"
#include "hub/links/registry.hpp"
#include "hub/relay/call_audit.hpp"
#include "hub/relay/fleet.hpp"
#include "hub/relay/machine_finder.hpp"
#include "hub/relay/routing_arguments.hpp"
#include "proto/catalogue.hpp"

namespace hub::relay {

class router : public common::mcp::backend {
public:
    // Everything given outlives the router.
    router(machine_finder& machines, links::registry& links, directory::sessions& sessions, fleet_cursors& cursors,
           call_audit& audit);

    std::string tools(const proto::principal& who) override;
    bool has_tool(std::string_view name) const override;
    std::string instructions() const override;
    boost::asio::awaitable<proto::result<void>> call(const common::mcp::tool_call& call,
                                                     common::mcp::call_reply& reply) override;

private:
    using outcome = boost::asio::awaitable<proto::result<void>>;

    // Notes in `found` whom the call was for.
    outcome route(const common::mcp::tool_call& call, const proto::tool& tool, audited_call& found,
                  common::mcp::call_reply& reply);
    machine_finder::found_link find_link(const common::mcp::tool_call& call, const proto::tool& tool,
                                         const routing_arguments& where);
    outcome to_machine(const common::mcp::tool_call& call, const proto::tool& tool, const routing_arguments& where,
                       std::shared_ptr<links::link> link, common::mcp::call_reply& reply);

    // poll_events of one machine's events by a cursor of many: the arguments with that machine's own.
    boost::asio::awaitable<proto::result<std::string>> own_arguments(const common::mcp::tool_call& call,
                                                                     const proto::tool& tool, std::string cursor,
                                                                     std::string machine_id);

    machine_finder& machines_;
    fleet_cursors& cursors_;
    fleet fleet_;
    call_audit& audit_;
};

}  // namespace hub::relay
