#include "tests/common/mcp/fake_backend.hpp"

#include <fmt/format.h>

namespace common::mcp::test {
namespace {

using proto::error_code;

}  // namespace

offered_features everything() {
    offered_features all;
    all.tools_list_changed = all.prompts = all.prompts_list_changed = all.resources = all.resources_list_changed =
        all.resources_subscribe = all.completions = all.logging = all.tasks = true;
    return all;
}

std::string fake_backend::tools(const proto::principal& who) {
    return fmt::format(R"([{{"name":"echo","description":"for {}","inputSchema":{{"type":"object"}}}}])", who.name);
}

bool fake_backend::has_tool(std::string_view name) const {
    return name == "echo" || name == "fail" || name == "routed" || (name == "scripted" && scripted);
}

std::vector<header_parameter> fake_backend::header_parameters(std::string_view tool) const {
    if (tool != "routed") return {};
    return {{"Machine", {"machine"}}, {"Count", {"options", "count"}}, {"Fast", {"fast"}}};
}

backend::done fake_backend::call(const tool_call& call, call_reply& reply) {
    calls.push_back({std::string(call.tool), std::string(call.arguments), std::string(call.request_id), call.who->key(),
                     call.wants_progress, call.depth, call.client, std::string(call.state),
                     std::string(call.trace_parent)});
    if (call.tool == "scripted") co_return co_await scripted(call, reply);
    if (call.tool == "fail") {
        co_return proto::fail(error_code::machine_offline, "The machine \"box\" is offline.", "Start its agent.",
                              R"({"last_seen":1})");
    }
    const std::string result =
        fmt::format(R"({{"content":[],"structuredContent":{{"arguments":{}}}}})", call.arguments);
    co_await reply.write(result);
    co_return proto::result<void>{};
}

backend::page fake_backend::list_prompts(const list_request&) {
    co_return list_page{R"([{"name":"greet"},{"name":"asks"}])", ""};
}

backend::done fake_backend::get_prompt(const prompt_request& request, call_reply& reply) {
    if (request.name == "broken") throw std::runtime_error("no such luck");
    if (request.name == "asks") {
        const input_outcome asked = co_await reply.ask({{"who", input_kind::roots, "{}"}}, "");
        if (asked.what != input_outcome::state::answered) co_return proto::result<void>{};
    } else if (request.name != "greet") {
        co_return proto::fail(error_code::not_found, "There is no such prompt.");
    }
    const std::string result =
        fmt::format(R"({{"messages":[{{"role":"user","content":{{"type":"text","text":"hi"}}}}],"x-arguments":{}}})",
                    request.arguments);
    co_await reply.write(result);
    co_return proto::result<void>{};
}

// Two pages.
backend::page fake_backend::list_resources(const list_request& request) {
    if (request.position.empty()) co_return list_page{R"([{"uri":"test://a","name":"a"}])", "second"};
    if (request.position != "second") co_return proto::fail(error_code::cursor_invalid, "There is no such page.");
    co_return list_page{R"([{"uri":"test://b","name":"b"}])", ""};
}

backend::page fake_backend::list_resource_templates(const list_request&) {
    co_return list_page{R"([{"uriTemplate":"test://{id}","name":"t"}])", ""};
}

backend::done fake_backend::read_resource(const resource_request& request, call_reply& reply) {
    if (request.uri == "test://offline") co_return proto::fail(error_code::machine_offline, "It is offline.");
    if (request.uri != "test://a") co_return proto::fail(error_code::not_found, "There is no such resource.");
    co_await reply.write(R"({"contents":[{"uri":"test://a","text":"A"}]})");
    co_return proto::result<void>{};
}

bool fake_backend::may_watch(const proto::principal&, std::string_view uri) {
    return is_watching_allowed && uri.starts_with("test://");
}

boost::asio::awaitable<proto::result<completion>> fake_backend::complete(const completion_request& request) {
    completed = fmt::format("{} {} {} {} {}", request.is_prompt, request.reference, request.argument, request.value,
                            request.arguments_set);
    if (request.reference == "nope") co_return proto::fail(error_code::not_found, "There is no such prompt.");
    completion found;
    for (int i = 0; i < 150; ++i) found.values.push_back(fmt::format("v{}", i));
    co_return found;
}

boost::asio::awaitable<proto::result<std::string>> fake_backend::get_task(const task_request& request) {
    if (request.task_id != "t1" || request.who->name != "Ada") {
        co_return proto::fail(error_code::not_found, "There is no such task.");
    }
    co_return std::string(task_text);
}

backend::done fake_backend::update_task(const task_request& request) {
    task_updates.emplace_back(request.input_responses);
    if (request.task_id != "t1") co_return proto::fail(error_code::not_found, "There is no such task.");
    co_return proto::result<void>{};
}

backend::done fake_backend::cancel_task(const task_request& request) {
    if (request.task_id != "t1") co_return proto::fail(error_code::not_found, "There is no such task.");
    co_return proto::result<void>{};
}

}  // namespace common::mcp::test
