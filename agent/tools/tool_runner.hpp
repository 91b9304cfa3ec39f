// The agent's back end of the MCP engine and of the link: validates a call, checks rights, journals what has side
// effects, runs the handler, and makes the CallToolResult. One for the agent; its I/O thread. Whatever a call needs of
// this object it needs until its coroutine is done: see idle_by().
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>

#include "agent/journal/audit_trail.hpp"
#include "agent/journal/calls.hpp"
#include "agent/tools/tool.hpp"
#include "common/async/event_signal.hpp"
#include "common/mcp/backend.hpp"
#include "proto/catalogue.hpp"

namespace agent::tools {

using handlers = std::map<std::string, handler, std::less<>>;
handlers all_handlers();

class tool_runner : public common::mcp::backend {
public:
    // The services outlive the runner.
    tool_runner(boost::asio::any_io_executor executor, services s, handlers by_name = all_handlers());

    // Settles what an earlier run of the agent left open in the journal. Before the first call.
    boost::asio::awaitable<proto::result<void>> recover();

    // For calls that came over the link, or from elsewhere to the agent itself: whoever they say they are, the policy's rules
    // for remote calls hold.
    common::mcp::backend& remote() { return over_link_; }
    common::mcp::backend& direct() { return direct_; }

    // True: no call runs any more. False: the deadline passed first.
    boost::asio::awaitable<bool> idle_by(std::chrono::steady_clock::time_point deadline);

    std::string tools(const proto::principal& who) override;
    bool has_tool(std::string_view name) const override;
    std::string instructions() const override;
    boost::asio::awaitable<proto::result<void>> call(const common::mcp::tool_call& call,
                                                     common::mcp::call_reply& reply) override;

private:
    enum class way { local, link, direct };
    class remote_side : public common::mcp::backend {
    public:
        remote_side(tool_runner& runner, way by) : runner_(runner), by_(by) {}
        std::string tools(const proto::principal& who) override { return runner_.tools(who); }
        bool has_tool(std::string_view name) const override { return runner_.has_tool(name); }
        std::string instructions() const override { return runner_.instructions(); }
        boost::asio::awaitable<proto::result<void>> call(const common::mcp::tool_call& call,
                                                         common::mcp::call_reply& reply) override {
            return runner_.serve(call, reply, by_);
        }

    private:
        tool_runner& runner_;
        way by_;
    };
    // What all calls have in common; calls hold on to it.
    struct load {
        explicit load(boost::asio::any_io_executor executor) : ended(std::move(executor)) {}
        common::async::event_signal ended;
        std::size_t running = 0;
        std::size_t held_bytes = 0;  // of large answers that are being written
    };
    class running_call;
    class held_answer;

    static const char* origin_of(way by);
    static journal::audit_entry entry_of(const common::mcp::tool_call& call, const proto::tool& tool, way by);

    boost::asio::awaitable<proto::result<void>> serve(const common::mcp::tool_call& call,
                                                      common::mcp::call_reply& reply, way by);
    boost::asio::awaitable<proto::result<std::string>> run_tool(const common::mcp::tool_call& call,
                                                                common::mcp::call_reply& reply, way by);
    // The same error, which then stands in the audit.
    boost::asio::awaitable<proto::result<std::string>> refuse(journal::audit_entry entry, proto::error refusal);
    boost::asio::awaitable<proto::result<std::string>> journalled(const proto::tool& tool, const call_context& context,
                                                                  way by);
    boost::asio::awaitable<void> settle(std::int64_t id, const call_context& context, bool joins,
                                        const proto::result<std::string>& outcome);
    // The hub's own questions, with a dot in their names: no tools, no scopes.
    boost::asio::awaitable<proto::result<std::string>> internal(const common::mcp::tool_call& call);

    services services_;
    journal::calls calls_;
    journal::audit_trail audit_;
    handlers handlers_;
    remote_side over_link_;
    remote_side direct_;
    std::shared_ptr<load> load_;
};

}  // namespace agent::tools
