#include "common/mcp/client_reply.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "common/mcp/input_questions.hpp"
#include "common/mcp/json_members.hpp"
#include "common/mcp/rpc_text.hpp"
#include "common/mcp/shared_state.hpp"
#include "proto/limits.hpp"

namespace common::mcp {

client_reply::client_reply(request_context& context, const running_request& request, response_stream& answer,
                           call_cancellation& cancellation)
    : context_(context),
      request_(request),
      answer_(answer),
      cancellation_(cancellation),
      frame_(request.id, own_members(context.options, context.terms, request.kind)),
      wake_(context.executor) {
    if (request_.earlier) answered_ = request_.earlier->answered;
    cancellation_.listen_inside([this] { wake_.wake(); });
}

client_reply::~client_reply() { cancellation_.listen_inside({}); }

boost::asio::awaitable<bool> client_reply::write(std::string_view piece) {
    if (piece.empty()) co_return true;
    const std::string text = frame_.take(piece);
    co_return co_await answer_.write(text);
}

boost::asio::awaitable<bool> client_reply::end() {
    const bool is_alive = co_await answer_.write(result_frame::tail);
    if (!is_alive) co_return false;
    co_return co_await answer_.end();
}

boost::asio::awaitable<bool> client_reply::progress(double progress, std::optional<double> total, std::string message) {
    if (request_.progress_token.empty() || !(progress > last_progress_)) co_return true;
    if (message.size() > proto::limits::progress_bytes_max) message.resize(proto::limits::progress_bytes_max);
    const std::optional<std::string> text = progress_text(request_.progress_token, progress, total, message);
    if (!text) co_return true;
    last_progress_ = progress;
    co_return co_await answer_.notify(*text);
}

boost::asio::awaitable<bool> client_reply::log(log_level level, std::string_view logger, std::string_view data) {
    const std::optional<log_level> from = context_.terms.log_from;
    if (!from || level < *from || data.empty()) co_return true;
    std::string left_out;
    if (data.size() > proto::limits::mcp_log_bytes_max) {
        left_out = fmt::format("\"A message of {} bytes has been left out.\"", data.size());
        data = left_out;
    }
    const std::string text = log_text(to_string(level), logger, data);
    co_return co_await answer_.notify(text);
}

boost::asio::awaitable<void> client_reply::pause_stream(std::chrono::milliseconds retry) {
    if (context_.terms.may_pause()) co_await answer_.pause(retry);
}

void client_reply::withdraw() {
    is_withdrawn_ = is_asking_;
    wake_.wake();
}

boost::asio::awaitable<input_outcome> client_reply::ask(std::vector<input_request> questions, std::string state) {
    const bool is_sound = are_sound(questions) && state.size() <= proto::limits::mcp_state_bytes_max;
    was_refused_ = true;  // until it turns out otherwise
    if (!is_sound || has_written() || is_asking_) {
        if (context_.options.report_bug) {
            context_.options.report_bug(context_.request_id, "A handler asked what cannot be asked.");
        }
        co_return input_outcome{};
    }
    missing_ = capabilities_lacking(context_.terms.client, questions);
    if (!missing_.empty()) co_return input_outcome{};
    const bool is_modern = context_.terms.is_modern();
    input_outcome outcome = is_modern ? look_up(questions, std::move(state)) : co_await send(std::move(questions));
    was_refused_ = outcome.what == input_outcome::state::unsupported;
    co_return outcome;
}

// 2026-07-28: the answers are in the request, or it has to come again.
input_outcome client_reply::look_up(const std::vector<input_request>& questions, std::string state) {
    std::vector<std::string_view> keys;
    for (const input_request& question : questions) keys.push_back(question.key);
    std::vector<std::string_view> sent(keys.size());
    if (!read_members(request_.input_responses, keys, sent)) sent.assign(keys.size(), {});

    const bool is_unasked_welcome = !request_.earlier && state.empty();
    input_outcome outcome{input_outcome::state::answered, {}};
    std::vector<const input_request*> missing;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        const std::string& key = questions[i].key;
        const bool counts = is_unasked_welcome || was_asked(key);
        auto known = std::ranges::find(answered_, key, &input_answer::key);
        if (known == answered_.end() && counts && kind_of(sent[i]) == json_kind::object) {
            known = answered_.insert(answered_.end(), {key, std::string(sent[i])});
        }
        if (known == answered_.end())
            missing.push_back(&questions[i]);
        else
            outcome.answers.push_back(*known);
    }
    if (missing.empty()) return outcome;
    suspend(missing, std::move(state));
    outcome.what = input_outcome::state::suspended;
    outcome.answers.clear();
    return outcome;
}

bool client_reply::was_asked(const std::string& key) const {
    if (!request_.earlier) return false;
    const std::vector<std::string>& asked = request_.earlier->asked;
    return std::ranges::find(asked, key) != asked.end();
}

void client_reply::suspend(const std::vector<const input_request*>& missing, std::string state) {
    request_state next{std::move(state), {}, answered_};
    std::string texts;
    for (const input_request* question : missing) {
        if (!texts.empty()) texts += ',';
        texts += input_request_text(*question);
        next.asked.push_back(question->key);
    }
    input_required_ = fmt::format(R"({{"inputRequests":{{{}}})", texts);
    if (!next.state.empty() || !next.answered.empty()) {
        const std::optional<std::string> sealed = seal_state(context_.options, request_.binding(), next);
        if (!sealed) {
            error_ = protocol_error{rpc_code::internal_error, "The answers so far are too long to go on with.", {}};
            return;
        }
        *input_required_ += fmt::format(R"(,"requestState":{})", quote_json(*sealed));
    }
    *input_required_ += '}';
}

// Until 2025-11-25: requests of our own on the stream of the client's.
boost::asio::awaitable<input_outcome> client_reply::send(std::vector<input_request> questions) {
    using state = input_outcome::state;
    input_outcome outcome;
    if (!answer_.can_notify()) co_return outcome;

    // Answers come from any thread, perhaps when this call is over.
    struct answer_box {
        std::vector<std::optional<std::string>> results;
        std::size_t missing;
    };
    const auto box =
        std::make_shared<answer_box>(std::vector<std::optional<std::string>>(questions.size()), questions.size());
    std::vector<waiting_questions::ticket> tickets;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        auto take = [executor = context_.executor, box, i, wake = wake_.from_anywhere()](std::string result) {
            boost::asio::post(executor, [box, i, result = std::move(result)]() mutable {
                box->results[i] = std::move(result);
                --box->missing;
            });
            wake();
        };
        auto ticket = context_.shared.questions.add(context_.options, context_.who.key(), std::move(take));
        if (!ticket) co_return outcome;
        tickets.push_back(*std::move(ticket));
    }

    is_asking_ = true;
    is_withdrawn_ = false;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        const std::string text = question_text(tickets[i].id(), questions[i]);
        std::ignore = co_await answer_.notify(text);  // a client that has gone is noticed below
    }
    const auto deadline = std::chrono::steady_clock::now() + context_.options.question_wait_max;
    bool is_late = false;
    while (box->missing > 0 && !is_withdrawn_ && !cancellation_.is_requested() && !is_late) {
        is_late = !co_await wake_.wait_until(deadline) && std::chrono::steady_clock::now() >= deadline;
    }
    is_asking_ = false;

    if (box->missing == 0) {
        outcome.what = state::answered;
        for (std::size_t i = 0; i < questions.size(); ++i) {
            outcome.answers.push_back({std::move(questions[i].key), *std::move(box->results[i])});
        }
        co_return outcome;
    }
    outcome.what = is_withdrawn_ ? state::withdrawn : state::unanswered;
    const std::string_view reason = is_withdrawn_ ? "Answered elsewhere." : "Not waited for any more.";
    for (std::size_t i = 0; i < questions.size(); ++i) {
        if (box->results[i]) continue;
        const std::string text = question_withdrawn_text(tickets[i].id(), reason);
        std::ignore = co_await answer_.notify(text);
    }
    co_return outcome;
}

}  // namespace common::mcp
