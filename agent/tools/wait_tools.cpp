// send_and_wait: a prompt and what becomes of it. While it waits, a client that can show forms is asked about the
// permission requests of the turn.
#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "agent/events/conversation.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/permission_answers.hpp"
#include "agent/tools/permission_question.hpp"
#include "agent/tools/prompt_delivery.hpp"
#include "agent/tools/session_json.hpp"
#include "common/async/event_signal.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

namespace asio = boost::asio;
namespace mcp = common::mcp;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

using turn_result = proto::result<session::turn_outcome>;

// What a call that comes again with an answer must not do again, and where it goes on.
struct wait_state {
    session::sent prompt;
    std::string permission;  // what the client was asked about
};

std::string to_text(const wait_state& state, const std::string& session_id) {
    return dump(json{{"session", session_id},
                     {"prompt", state.prompt.prompt_uuid},
                     {"via", state.prompt.via},
                     {"cursor", state.prompt.cursor},
                     {"permission", state.permission}});
}

// The text is ours and bound to the call's arguments, but perhaps of another version.
proto::result<wait_state> from_text(std::string_view text, const std::string& session_id) {
    const json state = json::parse(text, nullptr, false);
    const auto is = [&](const char* name, json::value_t type) {
        return state.is_object() && state.contains(name) && state[name].type() == type;
    };
    const bool is_whole = is("session", json::value_t::string) && is("prompt", json::value_t::string) &&
                          is("via", json::value_t::string) && is("permission", json::value_t::string) &&
                          state.value("cursor", json()).is_number_integer();
    if (!is_whole || state["session"] != session_id)
        return proto::fail(proto::error_code::invalid_argument, "`requestState` is of another version of codez.",
                           "Follow the turn with poll_events; get_session shows the requests that are open.");
    wait_state out;
    out.prompt.prompt_uuid = state["prompt"];
    out.prompt.via = state["via"];
    out.prompt.cursor = state["cursor"];
    out.permission = state["permission"];
    return out;
}

// One call's waiting. Lives in the handler's frame.
class turn_wait {
public:
    turn_wait(const services& s, const call_context& c, wait_state begun, milliseconds timeout)
        : s_(s), c_(c), begun_(std::move(begun)), deadline_(begin_ + timeout) {
        c_.reply.on_cancel([this] {
            caller_->cancel();
            beside_->cancel();
        });
    }
    ~turn_wait() { c_.reply.on_cancel({}); }
    turn_wait(const turn_wait&) = delete;
    turn_wait& operator=(const turn_wait&) = delete;

    // Until the turn or the time is over, or a permission request is open that the client does not decide.
    asio::awaitable<turn_result> run();

    // The client sends the call again, with its answer.
    bool comes_again() const { return comes_again_; }
    bool is_late() const { return steady_clock::now() >= deadline_; }

private:
    asio::awaitable<turn_result> wait(session::wait_request how);
    asio::awaitable<void> wait_beside(session::wait_request how);
    asio::awaitable<mcp::input_outcome> ask(mcp::input_request question, const std::string& request_id);
    asio::awaitable<bool> decide(session::pending_permission open);
    const session::pending_permission& first_of(const std::vector<session::pending_permission>& open) const;

    const services& s_;
    const call_context& c_;
    wait_state begun_;
    const steady_clock::time_point begin_ = steady_clock::now();
    const steady_clock::time_point deadline_;
    std::shared_ptr<session::wait_token> caller_ = std::make_shared<session::wait_token>();
    std::shared_ptr<session::wait_token> beside_ = std::make_shared<session::wait_token>();
    bool is_asking_ = false;
    bool comes_again_ = false;
};

// In slices, so that a client that wants progress sees some.
asio::awaitable<turn_result> turn_wait::wait(session::wait_request how) {
    constexpr milliseconds slice(10'000);
    how.session_id = c_.text("session_id");
    how.prompt_uuid = begun_.prompt.prompt_uuid;
    for (;;) {
        const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now());
        how.timeout = std::max(milliseconds(0), c_.wants_progress ? std::min(left, slice) : left);
        turn_result now = co_await s_.sessions->wait_for_turn(how);
        const bool is_open = !how.until_resolved.empty() && now &&
                             std::ranges::find(now->pending, how.until_resolved,
                                               &session::pending_permission::request_id) != now->pending.end();
        const bool has_news = how.until_resolved.empty() ? now && !now->pending.empty() : !is_open;
        if (!now || now->done || has_news || how.token->cancelled() || is_late()) co_return now;
        const std::chrono::duration<double> waited = steady_clock::now() - begin_;
        const bool heard = co_await c_.reply.progress(waited.count(), std::nullopt, "claude is working");
        if (!heard) co_return now;
    }
}

// Takes the question back when it is answered elsewhere, when its turn ends, or the time does.
asio::awaitable<void> turn_wait::wait_beside(session::wait_request how) {
    std::ignore = co_await wait(std::move(how));
    if (is_asking_) c_.reply.withdraw();
}

asio::awaitable<mcp::input_outcome> turn_wait::ask(mcp::input_request question, const std::string& request_id) {
    const auto executor = co_await asio::this_coro::executor;
    common::async::event_signal over(executor);
    std::optional<std::exception_ptr> ended;
    session::wait_request how;
    how.until_permission = false;
    how.until_resolved = request_id;
    how.token = beside_ = std::make_shared<session::wait_token>();
    is_asking_ = true;
    auto end = [&](std::exception_ptr bug) {
        ended = bug;
        over.notify_all();
    };
    asio::co_spawn(executor, wait_beside(std::move(how)), std::move(end));

    std::exception_ptr bug;
    mcp::input_outcome answer;
    begun_.permission = request_id;
    std::vector<mcp::input_request> questions{std::move(question)};
    std::string state = to_text(begun_, c_.text("session_id"));
    try {
        answer = co_await c_.reply.ask(std::move(questions), std::move(state));
    } catch (...) {
        bug = std::current_exception();
    }
    // What waits beside is of this frame: it must end first, whatever happened.
    is_asking_ = false;
    beside_->cancel();
    while (!ended) co_await over.wait();
    if (bug) std::rethrow_exception(bug);
    if (*ended) std::rethrow_exception(*ended);
    co_return answer;
}

// True: go on waiting. False: the request stays open, or the call comes again.
asio::awaitable<bool> turn_wait::decide(session::pending_permission open) {
    auto details = co_await s_.sessions->get(open.session_id);
    if (!details) co_return false;
    auto question = question_for(open, details->session);
    if (!question) co_return false;
    const mcp::input_outcome asked = co_await ask(*std::move(question), open.request_id);
    using state = mcp::input_outcome::state;
    if (asked.what == state::withdrawn) co_return true;
    comes_again_ = asked.what == state::suspended;
    if (asked.what != state::answered) co_return false;
    auto decision = decision_in(asked.answers.front().result, open);
    if (!decision) co_return false;
    // Where it fails somebody else was first, or the request has gone: that shows by waiting on.
    std::ignore = co_await answer_permission(s_, c_.who, c_.remote, *std::move(decision));
    co_return true;
}

// That which the client was asked about in an earlier round, if it is still open.
const session::pending_permission& turn_wait::first_of(const std::vector<session::pending_permission>& open) const {
    const auto same = std::ranges::find(open, begun_.permission, &session::pending_permission::request_id);
    return same == open.end() ? open.front() : *same;
}

asio::awaitable<turn_result> turn_wait::run() {
    const bool may_ask = c_.takes_forms && may_answer_own_prompt(s_, c_).has_value();
    std::string decided;  // nobody is asked the same twice
    for (;;) {
        session::wait_request how;
        how.token = caller_;
        turn_result now = co_await wait(std::move(how));
        if (!now || now->done || now->pending.empty() || !may_ask || is_late() || caller_->cancelled()) co_return now;
        const auto& open = first_of(now->pending);
        if (open.request_id == decided) co_return now;
        decided = open.request_id;
        const bool goes_on = co_await decide(open);
        if (!goes_on) co_return now;
    }
}

// The messages from the prompt's own on.
std::vector<std::string> of_this_turn(std::vector<std::string> messages, const std::string& prompt_uuid) {
    const auto is_prompt = [&](const std::string& text) {
        const auto message = json::parse(text, nullptr, false);
        return message.is_object() && message.value("role", "") == "user" &&
               message.value("id", "").find(prompt_uuid) != std::string::npos;
    };
    const auto newest = std::find_if(messages.rbegin(), messages.rend(), is_prompt);
    if (newest != messages.rend()) messages.erase(messages.begin(), std::prev(newest.base()));
    return messages;
}

// The prompt of an earlier round of this call, or the one that is sent now.
asio::awaitable<proto::result<wait_state>> begin_or_go_on(const services& s, const call_context& c) {
    if (!c.state.empty()) co_return from_text(c.state, c.text("session_id"));
    auto sent = co_await deliver_prompt(s, c, same_text::is_that_prompt);
    if (!sent) co_return std::unexpected(std::move(sent.error()));
    wait_state begun;
    begun.prompt = *std::move(sent);
    co_return begun;
}

}  // namespace

answer send_and_wait(const services& s, const call_context& c) {
    const milliseconds wanted(c.number("timeout_ms", proto::limits::send_and_wait_ms_default));
    auto begun = co_await begin_or_go_on(s, c);
    if (!begun) co_return std::unexpected(std::move(begun.error()));
    const session::sent sent = begun->prompt;
    // Clients cut a call without progress at 60 s.
    const milliseconds patience =
        c.wants_progress ? wanted : std::min(wanted, milliseconds(proto::limits::send_and_wait_cut_ms));
    const auto begin = steady_clock::now();
    turn_wait waiting(s, c, *std::move(begun), patience);
    auto outcome = co_await waiting.run();
    if (!outcome) co_return std::unexpected(std::move(outcome.error()));
    c.journal.provisional = !outcome->done;  // the same call again waits on
    if (waiting.comes_again()) co_return std::string();

    json out{{"ok", !outcome->is_error},
             {"done", outcome->done},
             {"timedOut", !outcome->done && outcome->pending.empty() && steady_clock::now() - begin >= wanted},
             {"sessionId", c.text("session_id")},
             {"via", sent.via},
             {"promptId", sent.prompt_uuid},
             {"cursor", cursor_at(s, outcome->done ? outcome->cursor : sent.cursor)}};
    if (sent.attached) out["attached"] = true;
    if (!outcome->done && sent.queue_position > 0) out["queuePosition"] = sent.queue_position;
    if (!outcome->text.empty()) out["text"] = outcome->text;
    if (outcome->is_error) {
        out["is_error"] = true;
        out["error"] = outcome->error;
    }
    auto result = json::parse(outcome->result, nullptr, false);
    if (result.is_object()) out["result"] = std::move(result);
    out["pending_permissions"] = permissions_json(outcome->pending);
    auto conversation = co_await events::read_conversation(*s.log, c.text("session_id"));
    if (!conversation) co_return std::unexpected(std::move(conversation.error()));
    std::string text = dump(out);
    text.back() = ',';
    co_return text + R"("messages":)" + raw_array(of_this_turn(std::move(conversation->messages), sent.prompt_uuid)) +
        "}";
}

}  // namespace agent::tools
