// A back end that tests script: tools always, all else as far as it is offered.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/mcp/backend.hpp"

namespace common::mcp::test {

using script = std::function<boost::asio::awaitable<proto::result<void>>(const tool_call&, call_reply&)>;

// Knows the tools "echo" (answers with its arguments), "fail" (an error), "routed" (parameters in fields) and "scripted";
// the prompts "greet" and "asks"; the resource "test://a"; the task "t1" of the principal "Ada".
class fake_backend final : public backend {
public:
    explicit fake_backend(offered_features features) : features_(features) {}

    offered_features offered() const override { return features_; }
    void tell_changes_to(change_listener* listener) override { changes = listener; }

    std::string tools(const proto::principal& who) override;
    bool has_tool(std::string_view name) const override;
    std::string instructions() const override { return "Say \"hello\"."; }
    std::vector<header_parameter> header_parameters(std::string_view tool) const override;
    done call(const tool_call& call, call_reply& reply) override;

    page list_prompts(const list_request& request) override;
    done get_prompt(const prompt_request& request, call_reply& reply) override;
    page list_resources(const list_request& request) override;
    page list_resource_templates(const list_request& request) override;
    done read_resource(const resource_request& request, call_reply& reply) override;
    bool may_watch(const proto::principal& who, std::string_view uri) override;
    boost::asio::awaitable<proto::result<completion>> complete(const completion_request& request) override;

    boost::asio::awaitable<proto::result<std::string>> get_task(const task_request& request) override;
    done update_task(const task_request& request) override;
    done cancel_task(const task_request& request) override;

    struct seen_call {
        std::string tool, arguments, request_id, principal;
        bool wants_progress;
        int depth;
        client_abilities client;
        std::string state, trace_parent;
    };
    std::vector<seen_call> calls;
    script scripted;
    change_listener* changes = nullptr;
    bool is_watching_allowed = true;
    std::string completed;  // what complete() was asked
    std::vector<std::string> task_updates;

private:
    offered_features features_;
};

constexpr std::string_view task_text =
    R"({"taskId":"t1","status":"working","createdAt":"2026-07-28T00:00:00Z","lastUpdatedAt":"2026-07-28T00:00:00Z",)"
    R"("ttlMs":60000})";

// All there is.
offered_features everything();

}  // namespace common::mcp::test
