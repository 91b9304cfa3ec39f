#include "hub/relay/relayed_call.hpp"

#include <optional>
#include <utility>
#include <vector>

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

using mcp_outcome = common::mcp::input_outcome;

// Nullopt: nobody waits for it any more.
std::optional<proto::answers_message> to_wire(mcp_outcome outcome) {
    using state = mcp_outcome::state;
    if (outcome.what == state::withdrawn) return std::nullopt;
    proto::answers_message out;
    if (outcome.what == state::answered) out.outcome = proto::ask_outcome::answered;
    if (outcome.what == state::suspended) out.outcome = proto::ask_outcome::suspended;
    if (outcome.what == state::unsupported) out.outcome = proto::ask_outcome::unsupported;
    for (auto& answer : outcome.answers) out.answers.push_back({std::move(answer.key), std::move(answer.result)});
    return out;
}

// Puts the machine's question to the client; false if the client's call is over with that, since it comes again.
asio::awaitable<bool> pass_question(std::shared_ptr<links::remote_call> call, links::call_question question,
                                    common::mcp::call_reply& reply) {
    std::vector<common::mcp::input_request> questions;
    for (auto& one : question.asked.questions)
        questions.push_back({std::move(one.key), common::mcp::input_kind::elicitation, std::move(one.params)});
    call->on_question_over([&reply] { reply.withdraw(); });
    auto outcome = co_await reply.ask(std::move(questions), std::move(question.asked.state));
    call->on_question_over({});
    const auto answers = to_wire(std::move(outcome));
    if (!answers) co_return true;
    call->answer(question.number, *answers);
    co_return answers->outcome != proto::ask_outcome::suspended;
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
    auto header = header_of(*request.call, request.deadline);
    if (request.call->client.elicitation_form) header.abilities.emplace_back(proto::form_ability);
    header.state = request.call->state;
    auto started = to->call(header, request.call->arguments);
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
        } else if (auto* question = std::get_if<links::call_question>(&**part)) {
            const bool goes_on = co_await pass_question(call, std::move(*question), reply);
            if (!goes_on) break;
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
