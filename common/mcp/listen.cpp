#include "common/mcp/listen.hpp"

#include <array>
#include <expected>
#include <memory>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/change_stream.hpp"
#include "common/mcp/json_members.hpp"
#include "common/mcp/method_answer.hpp"
#include "common/mcp/result_frame.hpp"
#include "common/mcp/shared_state.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

enum : std::size_t { tools, prompts, resources, uris, tasks, count };
constexpr std::array<std::string_view, count> filter_names{"toolsListChanged", "promptsListChanged",
                                                           "resourcesListChanged", "resourceSubscriptions", "taskIds"};

rejection refuse_with(const message& request, int status, protocol_error error) {
    return {.status = status,
            .code = error.code,
            .message = std::move(error.message),
            .data = std::move(error.data),
            .id = std::string(request.id)};
}

// The strings of a raw array that are short enough; nullopt if it is no array of strings.
std::optional<std::vector<std::string>> read_strings(std::string_view array, std::size_t strings_max) {
    std::vector<std::string> strings;
    if (array.empty()) return strings;
    std::vector<std::string_view> elements;
    constexpr std::size_t elements_max = 4096;
    if (!read_elements(array, elements_max, elements)) return std::nullopt;
    for (const std::string_view element : elements) {
        if (kind_of(element) != json_kind::string) return std::nullopt;
        std::optional<std::string> text = decode_string(element, proto::limits::mcp_uri_bytes_max);
        if (text && strings.size() < strings_max) strings.push_back(*std::move(text));
    }
    return strings;
}

// What is asked for and may be watched: the rest is left out, which the acknowledgement shows.
boost::asio::awaitable<std::expected<watch_filter, rejection>> read_filter(request_context& context,
                                                                           const message& request) {
    constexpr std::array<std::string_view, 1> names{"notifications"};
    std::array<std::string_view, 1> notifications;
    std::array<std::string_view, count> wanted;
    const bool is_unique =
        read_members(request.params, names, notifications) && read_members(notifications[0], filter_names, wanted);
    const auto asked_uris = read_strings(wanted[uris], context.options.watched_max);
    const auto asked_tasks = read_strings(wanted[tasks], context.options.watched_max);
    if (!is_unique || kind_of(notifications[0]) != json_kind::object || !asked_uris || !asked_tasks) {
        co_return std::unexpected(refuse_with(
            request, 400, invalid_params("\"notifications\" must be an object that says what to listen for.")));
    }
    if (!wanted[tasks].empty() && !context.terms.client.tasks) {
        co_return std::unexpected(
            refuse_with(request, 400, missing_capability(R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})")));
    }
    const offered_features& offered = context.offered;
    watch_filter filter;
    filter.lists = {wanted[tools] == "true" && offered.tools_list_changed,
                    wanted[prompts] == "true" && offered.prompts_list_changed,
                    wanted[resources] == "true" && offered.resources_list_changed};
    for (const std::string& uri : *asked_uris) {
        if (offered.resources_subscribe && context.tools.may_watch(context.who, uri)) filter.resources.insert(uri);
    }
    for (const std::string& id : *asked_tasks) {
        if (!offered.tasks) break;
        task_request task;
        context.describe(task, context.request_id);
        task.task_id = id;
        const proto::result<std::string> found = co_await context.tools.get_task(task);
        if (found) filter.tasks.insert(id);
    }
    co_return filter;
}

std::string array_text(const std::set<std::string, std::less<>>& strings) {
    std::string text;
    for (const std::string& one : strings) {
        if (!text.empty()) text += ',';
        text += quote_json(one);
    }
    return text;
}

std::string acknowledgement(const watch_filter& filter, std::string_view meta) {
    std::string honoured;
    const auto add = [&](std::size_t which, std::string_view value) {
        if (!honoured.empty()) honoured += ',';
        honoured += fmt::format(R"("{}":{})", filter_names.at(which), value);
    };
    for (const std::size_t which : {tools, prompts, resources}) {
        if (filter.lists.at(which)) add(which, "true");
    }
    if (!filter.resources.empty()) add(uris, fmt::format("[{}]", array_text(filter.resources)));
    if (!filter.tasks.empty()) add(tasks, fmt::format("[{}]", array_text(filter.tasks)));
    return fmt::format(R"({{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged",)"
                       R"("params":{{"_meta":{{{}}},"notifications":{{{}}}}}}})",
                       meta, honoured);
}

}  // namespace

bool has_news(const offered_features& offered) {
    return offered.tools_list_changed || offered.prompts_list_changed || offered.resources_list_changed ||
           offered.resources_subscribe || offered.tasks;
}

boost::asio::awaitable<void> listen(request_context& context, const message& request, accepted_types accepted) {
    if (!accepted.events) {
        rejection refused = rejection::of(406, rpc_code::invalid_request,
                                          "Not acceptable: the answer is a text/event-stream; Accept must name it.");
        refused.id = request.id;
        co_await refuse(context, std::move(refused));
        co_return;
    }
    std::expected<watch_filter, rejection> filter = co_await read_filter(context, request);
    if (!filter) {
        co_await refuse(context, std::move(filter.error()));
        co_return;
    }
    const std::string meta = fmt::format(R"("io.modelcontextprotocol/subscriptionId":{})", request.id);
    const std::string acknowledged = acknowledgement(*filter, meta);
    const auto changes = std::make_shared<watcher>(context.who, *std::move(filter));
    const change_feed::refusal refused = context.shared.sessions.connect(changes);
    if (refused != change_feed::refusal::none) {
        rejection full = too_many_streams(refused);
        full.id = request.id;
        co_await refuse(context, std::move(full));
        co_return;
    }
    const struct disconnecting {
        change_feed& feed;
        const std::shared_ptr<watcher>& changes;
        ~disconnecting() { feed.remove(changes); }
    } guard{context.shared.changes, changes};

    event_output output(context);
    bool is_there = co_await output.start();
    if (is_there) is_there = co_await output.event({}, acknowledged);
    const auto send = [&](const news& what) -> boost::asio::awaitable<bool> {
        const std::string text = co_await news_text(context, what, meta);
        if (text.empty()) co_return true;
        co_return co_await output.event({}, text);
    };
    stream_end end = stream_end::gone;
    if (is_there) end = co_await send_news(context, *changes, output, send);
    if (end != stream_end::ended) co_return output.abort();
    const std::string members = own_members(context.options, context.terms, result_kind::plain, meta);
    std::ignore = co_await output.event({}, framed(request.id, members, "{}"));
    co_await output.finish();
}

}  // namespace common::mcp
