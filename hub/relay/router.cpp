#include "hub/relay/router.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "hub/relay/relayed_call.hpp"
#include "hub/relay/tool_result.hpp"
#include "proto/limits.hpp"
#include "proto/schema.hpp"

namespace hub::relay {

namespace limits = proto::limits;
using proto::error_code;
using proto::tool_route;
using std::chrono::milliseconds;

namespace {

// What a machine may take beyond the wait that the caller asked for.
constexpr milliseconds machine_slack(10'000);

milliseconds deadline_for(const common::mcp::tool_call& call, const routing_arguments& where) {
    if (call.tool == "poll_events")
        return milliseconds(std::clamp<std::int64_t>(where.timeout_ms.value_or(limits::poll_wait_ms_default), 0,
                                                     limits::poll_wait_ms_max)) +
               machine_slack;
    if (call.tool == "send_and_wait") {
        const auto wanted = std::clamp<std::int64_t>(where.timeout_ms.value_or(limits::send_and_wait_ms_default), 0,
                                                     limits::send_and_wait_ms_max);
        return milliseconds(call.wants_progress ? wanted : std::min(wanted, limits::send_and_wait_cut_ms)) +
               machine_slack;
    }
    // A session that has to be started first takes a while.
    return milliseconds(limits::call_ms_default) + machine_slack;
}

// The others are answered by the hub, from its directory or from all machines' answers.
bool goes_to_machine(const proto::tool& tool, const routing_arguments& where) {
    if (tool.route == tool_route::hub) return false;
    if (!where.machine.empty() || !where.session_id.empty()) return true;
    return tool.route != tool_route::fan_out && tool.name != "poll_events";
}

}  // namespace

router::router(machine_finder& machines, links::registry& links, directory::sessions& sessions, fleet_cursors& cursors,
               call_audit& audit)
    : machines_(machines),
      cursors_(cursors),
      fleet_(machines, links, sessions, cursors, tenancy::system_time_ms()),
      audit_(audit) {}

std::string router::tools(const proto::principal& who) { return proto::tools().list_json(who); }

bool router::has_tool(std::string_view name) const { return proto::tools().find(name) != nullptr; }

std::string router::instructions() const {
    return "Runs Claude Code sessions on the machines of your workspaces. list_machines tells the machines; create_session, "
           "then send_and_wait or send_prompt; follow with poll_events, always passing the last next_cursor; answer "
           "permission requests with respond_permission. Pass an idempotency_key with writes to repeat them safely.";
}

router::outcome router::call(const common::mcp::tool_call& call, common::mcp::call_reply& reply) {
    const auto* tool = proto::tools().find(call.tool);
    if (tool == nullptr) co_return proto::fail(error_code::not_found, fmt::format("There is no tool {}.", call.tool));
    audited_call found;
    auto done = co_await route(call, *tool, found, reply);
    audit_.record(call, *tool, found, done);
    co_return done;
}

router::outcome router::route(const common::mcp::tool_call& call, const proto::tool& tool, audited_call& found,
                              common::mcp::call_reply& reply) {
    if (!call.who->has_scope(tool.scope))
        co_return proto::fail(error_code::permission_denied,
                              fmt::format("This needs the scope {}, which the credential does not have.", tool.scope),
                              "Use a credential with that scope.", nlohmann::json{{"scope", tool.scope}}.dump());
    if (call.depth >= limits::call_depth_max)
        co_return proto::fail(error_code::recursion_limit_exceeded,
                              "A session started by a session may not start or steer further ones.");
    auto where = read_routing_arguments(call.arguments);
    if (where) found.session_id = where->session_id;
    if (where && goes_to_machine(tool, *where)) {
        auto link = co_await find_link(call, tool, *where);
        if (link) {
            found.workspace_id = (*link)->workspace_id;
            found.machine_id = (*link)->machine().machine().machine_id;
        }
        if (link) co_return co_await to_machine(call, tool, *where, std::move(*link), reply);
        where = std::unexpected(std::move(link.error()));
    }
    // No machine sees this call, so the hub is the one to say what is wrong with its arguments.
    auto arguments = proto::parse_arguments(tool, call.arguments);
    if (!arguments) co_return std::unexpected(std::move(arguments.error()));
    if (!where) co_return std::unexpected(std::move(where.error()));

    proto::result<nlohmann::json> own;
    if (call.tool == "list_machines") {
        own = co_await fleet_.list_machines(*call.who);
    } else if (call.tool == "get_machine") {
        own = co_await fleet_.get_machine(*call.who, where->machine);
    } else if (call.tool == "poll_events") {
        own = co_await fleet_.poll(call, *arguments, reply);
    } else {
        own = co_await fleet_.ask_all(call, *arguments, reply);
    }
    if (!own) co_return std::unexpected(std::move(own.error()));
    const std::string result = tool_result(*own);
    std::ignore = co_await reply.write(result);  // a client that has gone needs no answer
    co_return proto::result<void>();
}

boost::asio::awaitable<proto::result<std::shared_ptr<links::link>>> router::find_link(
    const common::mcp::tool_call& call, const proto::tool& tool, const routing_arguments& where) {
    if (tool.route == tool_route::session && !where.session_id.empty())
        return machines_.by_session(*call.who, where.session_id, where.machine, std::string(call.request_id));
    return machines_.by_name(*call.who, where.machine);
}

boost::asio::awaitable<proto::result<std::string>> router::own_arguments(const common::mcp::tool_call& call,
                                                                         const proto::tool& tool, std::string cursor,
                                                                         std::string machine_id) {
    auto arguments = proto::parse_arguments(tool, call.arguments);
    if (!arguments) co_return std::unexpected(std::move(arguments.error()));
    const auto from = co_await cursors_.read(call.who->workspace_id, std::move(cursor));
    if (!from) co_return std::unexpected(from.error());
    const auto entry = std::ranges::find(from->at.entries, machine_id, &proto::cursor_entry::machine_id);
    if (entry == from->at.entries.end())
        co_return proto::fail(error_code::cursor_invalid, "The cursor is of other machines.",
                              "Poll without a cursor to begin anew.");
    (*arguments)["cursor"] = proto::encode_cursor({{*entry}});
    co_return arguments->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

router::outcome router::to_machine(const common::mcp::tool_call& call, const proto::tool& tool,
                                   const routing_arguments& where, std::shared_ptr<links::link> link,
                                   common::mcp::call_reply& reply) {
    relay_request request;
    request.call = &call;
    common::mcp::tool_call rewritten = call;
    proto::result<std::string> own;
    if (call.tool == "poll_events" && fleet_cursors::is_kept(where.cursor)) {
        own = co_await own_arguments(call, tool, where.cursor, link->machine().machine().machine_id);
        if (!own) co_return std::unexpected(std::move(own.error()));
        rewritten.arguments = *own;
        request.call = &rewritten;
    }
    request.tool = &tool;
    request.deadline = deadline_for(call, where);
    if (call.tool == "poll_events") {
        request.ends_on_drain = true;
        // Nothing has happened: the same cursor goes on at the next hub.
        if (!where.cursor.empty())
            request.idle_answer =
                tool_result({{"events", nlohmann::json::array()}, {"next_cursor", where.cursor}, {"has_more", false}});
    }
    co_return co_await relay_call(std::move(link), request, reply);
}

}  // namespace hub::relay
