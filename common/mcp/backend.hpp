// What the MCP engine needs of the program it runs in: the hub relays calls, the agent executes them.
// The engine knows no tool and no machine; the back end knows no protocol era.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "proto/error.hpp"
#include "proto/principal.hpp"

namespace common::mcp {

// One tools/call. The views stay valid until call() has completed.
struct tool_call {
    std::string_view tool;
    std::string_view arguments;  // raw JSON, one object, structurally checked; not validated against the schema
    const proto::principal* who = nullptr;
    std::string_view request_id;      // ours, "req_…": in logs, error envelopes and audit
    bool wants_progress = false;      // the client sent a progressToken
    int depth = 0;                    // how many sessions this call came through
};

// Receives the result of one call. Lives on the exchange's executor.
class call_reply {
public:
    virtual ~call_reply() = default;

    // The next piece of the CallToolResult: one JSON object without resultType, cut anywhere. False: the client has gone,
    // stop. The first piece may be the last: the engine learns the end from call() completing.
    virtual boost::asio::awaitable<bool> write(std::string_view piece) = 0;
    virtual boost::asio::awaitable<bool> progress(double progress, std::optional<double> total, std::string message) = 0;

    // Called once when the client cancels or goes away. An empty function removes the listener.
    virtual void on_cancel(std::function<void()> listener) = 0;
};

class backend {
public:
    virtual ~backend() = default;

    // The `tools` array of tools/list for this caller, as raw JSON, in a fixed order.
    virtual std::string tools(const proto::principal& who) = 0;
    virtual bool has_tool(std::string_view name) const = 0;
    virtual std::string instructions() const = 0;

    // Completes when the whole result has been written, or with the error to show. An error after the first piece was
    // written aborts the response: the client must never take half a result for a whole one.
    virtual boost::asio::awaitable<proto::result<void>> call(const tool_call& call, call_reply& reply) = 0;
};

}  // namespace common::mcp
