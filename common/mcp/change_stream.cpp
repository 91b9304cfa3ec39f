#include "common/mcp/change_stream.hpp"

#include <array>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "common/mcp/result_frame.hpp"
#include "common/mcp/wake_line.hpp"

namespace common::mcp {
namespace {

constexpr std::array<std::string_view, 3> list_names{"tools", "prompts", "resources"};

std::string notification(std::string_view method, std::string_view params) {
    if (params == "{}") return fmt::format(R"({{"jsonrpc":"2.0","method":"{}"}})", method);
    return fmt::format(R"({{"jsonrpc":"2.0","method":"{}","params":{}}})", method, params);
}

}  // namespace

boost::asio::awaitable<std::string> news_text(request_context& context, const news& what, std::string meta) {
    const std::string members = meta.empty() ? std::string() : fmt::format(R"("_meta":{{{}}})", meta);
    switch (what.about) {
        case news::subject::list: {
            const std::string_view name = list_names.at(static_cast<std::size_t>(what.list));
            co_return notification(fmt::format("notifications/{}/list_changed", name), fmt::format("{{{}}}", members));
        }
        case news::subject::resource: {
            if (!context.tools.may_watch(context.who, what.name)) co_return std::string();
            const std::string uri = fmt::format(R"({{"uri":{}}})", quote_json(what.name));
            co_return notification("notifications/resources/updated",
                                   members.empty() ? uri : with_members(members, uri));
        }
        case news::subject::task: {
            task_request wanted;
            context.describe(wanted, context.request_id);
            wanted.task_id = what.name;
            const proto::result<std::string> task = co_await context.tools.get_task(wanted);
            if (!task) co_return std::string();
            co_return notification("notifications/tasks", with_members(members, *task));
        }
    }
    co_return std::string();
}

boost::asio::awaitable<stream_end> send_news(request_context& context, watcher& from, event_output& to,
                                             std::function<boost::asio::awaitable<bool>(const news&)> send) {
    wake_line wake(context.executor);
    bool is_gone = false;
    const std::size_t reader = from.set_reader(wake.from_anywhere());
    context.exchange.on_peer_closed([&] {
        is_gone = true;
        wake.wake();
    });
    const struct leaving {
        request_context& context;
        watcher& from;
        std::size_t reader;
        ~leaving() {
            from.leave(reader);
            context.exchange.on_peer_closed({});
        }
    } guard{context, from, reader};

    while (true) {
        if (is_gone) co_return stream_end::gone;
        if (!from.is_current(reader)) co_return stream_end::replaced;
        for (const news& what : from.take()) {
            const bool is_sent = co_await send(what);
            if (!is_sent) co_return stream_end::gone;
        }
        if (from.is_ended()) co_return stream_end::ended;
        const auto next_comment = std::chrono::steady_clock::now() + context.options.comment_every;
        const bool is_woken = co_await wake.wait_until(next_comment);
        if (is_woken || is_gone) continue;
        const bool is_there = co_await to.comment();
        if (!is_there) co_return stream_end::gone;
    }
}

rejection too_many_streams(change_feed::refusal refused) {
    if (refused == change_feed::refusal::principal_has_too_many) {
        return rejection::of(429, rpc_code::invalid_request, "You have too many streams open. Close some first.");
    }
    return rejection::of(503, rpc_code::internal_error, "This server has too many streams open. Try again later.");
}

}  // namespace common::mcp
