// The agent's back end of the MCP engine and of the link: validates a call, checks rights, journals what has side
// effects, runs the handler, and makes the CallToolResult. One for the agent; its I/O thread.
#pragma once

#include <map>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "agent/journal/calls.hpp"
#include "agent/tools/tool.hpp"
#include "common/mcp/backend.hpp"
#include "proto/catalogue.hpp"

namespace agent::tools {

class tool_runner : public common::mcp::backend {
public:
    // The services outlive the runner.
    tool_runner(boost::asio::any_io_executor executor, services s);

    // Settles what an earlier run of the agent left open in the journal. Before the first call.
    boost::asio::awaitable<proto::result<void>> recover();

    std::string tools(const proto::principal& who) override;
    bool has_tool(std::string_view name) const override;
    std::string instructions() const override;
    boost::asio::awaitable<proto::result<void>> call(const common::mcp::tool_call& call,
                                                     common::mcp::call_reply& reply) override;

private:
    boost::asio::awaitable<proto::result<std::string>> journalled(const proto::tool& tool, const call_context& context);
    // The hub's own questions, with a dot in their names: no tools, no scopes.
    boost::asio::awaitable<proto::result<std::string>> internal(const common::mcp::tool_call& call);

    services services_;
    journal::calls calls_;
    std::map<std::string, handler, std::less<>> handlers_;
};

}  // namespace agent::tools
