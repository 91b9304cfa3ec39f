// What the MCP engine needs of the program it runs in: the hub relays calls, the agent executes them.
// The engine knows no tool and no machine; the back end knows no protocol era. Tools are what every back end has; the
// rest it offers by offered(), and functions of what it does not offer are never called. Functions are called from any
// thread that serves exchanges; those that wait run on the exchange's executor.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/call_reply.hpp"
#include "common/mcp/change_listener.hpp"
#include "common/mcp/mcp_request.hpp"
#include "proto/error.hpp"
#include "proto/principal.hpp"

namespace common::mcp {

// What is advertised beside tools. Fixed for the life of the engine.
struct offered_features {
    bool tools_list_changed = false;
    bool prompts = false;
    bool prompts_list_changed = false;
    bool resources = false;
    bool resources_list_changed = false;
    bool resources_subscribe = false;
    bool completions = false;
    bool logging = false;
    bool tasks = false;  // the extension io.modelcontextprotocol/tasks
};

class backend {
public:
    using done = boost::asio::awaitable<proto::result<void>>;
    using page = boost::asio::awaitable<proto::result<list_page>>;

    virtual ~backend() = default;

    virtual offered_features offered() const { return {}; }
    // Null when the engine ends. Called by the engine's constructor and destructor.
    virtual void tell_changes_to(change_listener*) {}

    // --- Tools ---
    // The `tools` array of tools/list for this caller, as raw JSON, in a fixed order.
    virtual std::string tools(const proto::principal& who) = 0;
    virtual bool has_tool(std::string_view name) const = 0;
    virtual std::string instructions() const = 0;
    // The parameters of a tool whose schema has x-mcp-header (param_headers.hpp reads them out of a schema).
    virtual std::vector<header_parameter> header_parameters(std::string_view /*tool*/) const { return {}; }

    // Completes when the whole result has been written, or with the error to show. An error after the first piece was
    // written aborts the response: the client must never take half a result for a whole one.
    virtual done call(const tool_call& call, call_reply& reply) = 0;

    // --- Prompts, resources, completions: their errors become JSON-RPC errors; not_found, invalid_argument −32602 ---
    virtual page list_prompts(const list_request& request);
    virtual done get_prompt(const prompt_request& request, call_reply& reply);
    virtual page list_resources(const list_request& request);
    virtual page list_resource_templates(const list_request& request);
    virtual done read_resource(const resource_request& request, call_reply& reply);
    // Asked before a subscription, and again before each of its notifications.
    virtual bool may_watch(const proto::principal& who, std::string_view uri);
    virtual boost::asio::awaitable<proto::result<completion>> complete(const completion_request& request);

    // --- Tasks: each must see that the task is the caller's; not_found otherwise ---
    // The Task object of end_as_task(), with `result`, `error` or `inputRequests` as its status has them.
    virtual boost::asio::awaitable<proto::result<std::string>> get_task(const task_request& request);
    virtual done update_task(const task_request& request);
    virtual done cancel_task(const task_request& request);
};

}  // namespace common::mcp
