#include "hub/relay/relayed_call.hpp"

#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace hub::relay {

namespace asio = boost::asio;
using proto::error_code;

namespace {

// What a lost link means to the caller: a read may be asked again, of a write nobody knows.
proto::error lost(const proto::tool& tool, const links::call_failure& failure) {
    if (!failure.link_lost) return failure.error;
    if (!tool.write)
        return {
            error_code::machine_offline, "The machine's link ended before it answered.", "Ask again in a moment.", {}};
    return {
        error_code::unknown_outcome,
        "The machine's link ended before it answered: the call may or may not have been carried out.",
        "Call again with the same idempotency_key, which never acts twice; without one, look first with get_session.",
        {}};
}

proto::error late(bool write) {
    return {error_code::timeout,
            "The machine did not answer in time.",
            write ? "It may still be at it: call again with the same idempotency_key, or look with get_session."
                  : "Ask again.",
            {}};
}

}  // namespace

proto::call_header header_of(const common::mcp::tool_call& call, std::chrono::milliseconds deadline) {
    proto::call_header header;
    header.tool = call.tool;
    header.who = *call.who;
    header.depth = call.depth;
    header.deadline_ms = deadline.count();
    header.request_id = call.request_id;
    header.progress = call.wants_progress;
    return header;
}

asio::awaitable<proto::result<void>> relay_call(std::shared_ptr<links::link> to, relay_request request,
                                                common::mcp::call_reply& reply) {
    const auto& tool = *request.tool;
    auto started = to->call(header_of(*request.call, request.deadline), request.call->arguments);
    if (!started) co_return std::unexpected(std::move(started.error()));
    const auto call = *started;
    if (request.ends_on_drain) call->end_on_drain();

    asio::steady_timer deadline(co_await asio::this_coro::executor);
    const auto begin_waiting = [&] {
        deadline.expires_after(request.deadline);
        deadline.async_wait([call, write = tool.write](const boost::system::error_code& ec) {
            if (!ec) call->cancel(late(write));
        });
    };
    begin_waiting();
    reply.on_cancel([call] { call->cancel({error_code::cancelled, "The caller stopped waiting.", {}, {}}); });

    proto::result<void> outcome;
    bool begun = false;
    for (;;) {
        auto part = co_await call->next();
        if (!part) {
            outcome = std::unexpected(lost(tool, part.error()));
            break;
        }
        if (!*part) break;
        bool heard = true;
        if (auto* bytes = std::get_if<std::string>(&**part)) {
            begun = true;
            deadline.cancel();  // how fast the client reads is not the machine's fault
            heard = co_await reply.write(*bytes);
            begin_waiting();
        } else {
            auto& update = std::get<proto::progress_update>(**part);
            heard = co_await reply.progress(update.progress, update.total, std::move(update.message));
        }
        if (!heard) call->cancel({error_code::cancelled, "The caller went away.", {}, {}});
    }
    reply.on_cancel({});
    if (!outcome && outcome.error().code == error_code::route_unavailable && !begun && !request.idle_answer.empty()) {
        std::ignore = co_await reply.write(request.idle_answer);  // a client that has gone needs no answer
        outcome = {};
    }
    co_return outcome;
}

}  // namespace hub::relay
