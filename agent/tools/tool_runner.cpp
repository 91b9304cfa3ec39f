#include "agent/tools/tool_runner.hpp"

#include <utility>

#include <fmt/format.h>

#include "agent/history/projects.hpp"
#include "agent/tools/handlers.hpp"
#include "common/crypto/digest.hpp"
#include "common/crypto/encoding.hpp"
#include "proto/limits.hpp"
#include "proto/schema.hpp"

namespace agent::tools {

namespace asio = boost::asio;
using proto::error_code;

namespace {

// How long a repeated call waits for its first self.
constexpr std::chrono::seconds replay_wait(25);

std::string escaped(const std::string& text) { return dump(nlohmann::json(text)); }

// MCP 2025-11-25, server/tools: structuredContent, and the same as text for clients that do not read it.
std::string call_tool_result(const std::string& object) {
    return R"({"content":[{"type":"text","text":)" + escaped(object) + R"(}],"structuredContent":)" + object + "}";
}

// Sending a prompt is journalled with the prompt itself, under an id made from the key: see prompt_uuid().
bool journals_itself(std::string_view tool) { return tool == "send_prompt" || tool == "send_and_wait"; }

// Nothing can have been done yet, so the key may be used again.
bool acted_nothing(error_code code) {
    return code != error_code::internal && code != error_code::unknown_outcome && code != error_code::timeout &&
           code != error_code::cancelled;
}

// What the journal keeps of a call: its answer or its error.
std::string stored(const proto::result<std::string>& result) {
    if (result) return R"({"ok":)" + *result + "}";
    return R"({"error":)" + proto::to_json(result.error(), "") + "}";
}

proto::result<std::string> replayed(const std::string& text) {
    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    if (const auto ok = parsed.find("ok"); parsed.is_object() && ok != parsed.end()) return dump(*ok);
    if (const auto error = parsed.find("error"); parsed.is_object() && error != parsed.end())
        if (auto e = proto::parse_error(dump(*error))) return std::unexpected(std::move(*e));
    return proto::fail(error_code::internal, "The journal of this machine holds no readable answer for the call.");
}

}  // namespace

tool_runner::tool_runner(asio::any_io_executor executor, services s)
    : services_(std::move(s)), calls_(std::move(executor), *services_.log) {
    handlers_ = {{"list_machines", list_machines},       {"get_machine", get_machine},
                 {"get_health", get_health},             {"list_projects", list_projects},
                 {"list_sessions", list_sessions},       {"get_session", get_session},
                 {"create_session", create_session},     {"send_prompt", send_prompt},
                 {"send_and_wait", send_and_wait},       {"poll_events", poll_events},
                 {"respond_permission", respond_permission}, {"abort_session", abort_session},
                 {"dispose_session", dispose_session}};
}

asio::awaitable<proto::result<void>> tool_runner::recover() {
    auto open = co_await calls_.open_calls();
    if (!open) co_return std::unexpected(std::move(open.error()));
    // Each journalled tool can be run again under its key: a session's id is made from the key, an answered permission
    // says who answered, abort and dispose end what is there. So the key is free, and a repeated call finds out itself.
    for (const auto& call : *open) {
        auto done = co_await calls_.withdraw(call.id);
        if (!done) co_return std::unexpected(std::move(done.error()));
    }
    co_return proto::result<void>();
}

std::string tool_runner::tools(const proto::principal& who) { return proto::tools().list_json(who); }

bool tool_runner::has_tool(std::string_view name) const { return handlers_.contains(name); }

std::string tool_runner::instructions() const {
    return "Runs Claude Code sessions on this machine. create_session, then send_and_wait or send_prompt; follow with "
           "poll_events, always passing the last next_cursor; answer permission requests with respond_permission.";
}

asio::awaitable<proto::result<void>> tool_runner::call(const common::mcp::tool_call& call,
                                                       common::mcp::call_reply& reply) {
    proto::result<std::string> outcome;
    if (call.tool.contains('.')) {
        outcome = co_await internal(call);
    } else {
        const auto* tool = proto::tools().find(call.tool);
        if (tool == nullptr || !has_tool(call.tool))
            co_return proto::fail(error_code::not_found, fmt::format("There is no tool {}.", call.tool));
        if (!call.who->has_scope(tool->scope))
            co_return proto::fail(error_code::permission_denied,
                                  fmt::format("This needs the scope {}, which the credential does not have.", tool->scope),
                                  "Use a credential with that scope.");
        if (call.depth >= proto::limits::call_depth_max)
            co_return proto::fail(error_code::recursion_limit_exceeded,
                                  "A session started by a session may not start or steer further ones.");
        auto arguments = proto::parse_arguments(*tool, call.arguments);
        if (!arguments) co_return std::unexpected(std::move(arguments.error()));
        const call_context context{*arguments, *call.who, call.who->workspace_id != "local", call.depth,
                                   call.wants_progress, reply};
        if (tool->write && !journals_itself(tool->name)) {
            outcome = co_await journalled(*tool, context);
        } else {
            const auto& run = handlers_.find(call.tool)->second;
            outcome = co_await run(services_, context);
        }
    }
    if (!outcome) co_return std::unexpected(std::move(outcome.error()));
    const std::string result = call_tool_result(*outcome);
    const bool heard = co_await reply.write(result);
    if (!heard) co_return proto::fail(error_code::cancelled, "The caller went away.");
    co_return proto::result<void>();
}

asio::awaitable<proto::result<std::string>> tool_runner::journalled(const proto::tool& tool, const call_context& context) {
    nlohmann::json identity = context.arguments;
    identity.erase("idempotency_key");
    journal::call entry;
    entry.principal = context.who.key();
    entry.tool = tool.name;
    entry.idempotency_key = context.text("idempotency_key");
    entry.arguments_hash = common::crypto::hex_encode(common::crypto::sha256(dump(identity)));
    auto decision = co_await calls_.begin(std::move(entry), replay_wait);
    if (!decision) co_return std::unexpected(std::move(decision.error()));
    if (decision->replay) co_return replayed(*decision->replay);

    const auto& run = handlers_.find(tool.name)->second;
    auto outcome = co_await run(services_, context);
    if (!outcome && acted_nothing(outcome.error().code)) {
        std::ignore = co_await calls_.withdraw(decision->id);
    } else {
        // If it cannot be stored, the caller still gets the truth; a repeated call is told that the outcome is unknown.
        std::ignore = co_await calls_.finish(decision->id, stored(outcome));
    }
    co_return outcome;
}

asio::awaitable<proto::result<std::string>> tool_runner::internal(const common::mcp::tool_call& call) {
    if (call.tool != "codez.has_session")
        co_return proto::fail(error_code::unsupported_by_machine, "This agent does not know that question of the hub.",
                              "Update codez on the machine.");
    const auto arguments = nlohmann::json::parse(call.arguments, nullptr, false);
    if (!arguments.is_object() || !arguments.contains("session_id") || !arguments["session_id"].is_string())
        co_return proto::fail(error_code::invalid_argument, "`session_id` must be a string.");
    const auto id = arguments["session_id"].get<std::string>();
    auto known = co_await services_.sessions->get(id);
    bool has = known.has_value();
    if (!has) {
        auto found = co_await services_.pool->run(
            [config = services_.claude_config, id] { return history::find_session(config, "", id).has_value(); });
        has = found.value_or(false);
    }
    co_return dump(nlohmann::json{{"has", has}});
}

}  // namespace agent::tools
