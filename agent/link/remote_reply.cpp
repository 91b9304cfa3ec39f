#include "agent/link/remote_reply.hpp"

#include <utility>

#include <boost/asio/post.hpp>

namespace agent::link {

namespace asio = boost::asio;
namespace mcp = common::mcp;

namespace {

// The hub ends a call itself when its time is over; this is for a hub that does not.
constexpr std::chrono::milliseconds answer_slack{30'000};

mcp::input_outcome to_outcome(proto::answers_message answers) {
    using state = mcp::input_outcome::state;
    mcp::input_outcome out;
    switch (answers.outcome) {
        case proto::ask_outcome::answered:
            out.what = state::answered;
            break;
        case proto::ask_outcome::suspended:
            out.what = state::suspended;
            break;
        case proto::ask_outcome::unsupported:
            out.what = state::unsupported;
            break;
        case proto::ask_outcome::unanswered:
            out.what = state::unanswered;
            break;
    }
    for (auto& one : answers.answers) out.answers.push_back({std::move(one.key), std::move(one.result)});
    return out;
}

}  // namespace

connection::remote_reply::remote_reply(std::shared_ptr<connection> via, std::uint64_t id,
                                       std::chrono::milliseconds patience)
    : via_(std::move(via)),
      id_(id),
      changed_(via_->channel_->executor()),
      deadline_(clock::now() + patience + answer_slack) {}

asio::awaitable<bool> connection::remote_reply::write(std::string_view piece) {
    while (!piece.empty()) {
        if (!open()) co_return false;
        const std::size_t taken = via_->machine_.reply_chunk(id_, piece);
        via_->act();
        piece.remove_prefix(taken);
        if (taken > 0 || piece.empty()) continue;
        if (clock::now() >= deadline_) co_return false;
        std::ignore = co_await changed_.wait_until(deadline_);
    }
    co_return open();
}

asio::awaitable<bool> connection::remote_reply::progress(double progress, std::optional<double> total,
                                                         std::string message) {
    if (!open()) co_return false;
    via_->machine_.progress(id_, {progress, total, std::move(message)});
    via_->act();
    co_return true;
}

void connection::remote_reply::on_cancel(std::function<void()> listener) {
    listener_ = std::move(listener);
    if (!listener_ || !cancelled_) return;
    // Told late rather than from inside the handler's own call.
    asio::post(via_->channel_->executor(), [self = shared_from_this()] { self->tell(); });
}

// The hub knows what its client can do, and asks it in the client's own way.
asio::awaitable<mcp::input_outcome> connection::remote_reply::ask(std::vector<mcp::input_request> questions,
                                                                  std::string state) {
    mcp::input_outcome outcome;
    proto::ask_message message;
    message.state = std::move(state);
    for (auto& one : questions) {
        if (one.kind != mcp::input_kind::elicitation) co_return outcome;  // only forms are passed on
        message.questions.push_back({std::move(one.key), std::string(proto::form_ability), std::move(one.params)});
    }
    if (cancelled_ || is_asking_ || !via_->machine_.ask(id_, message)) co_return outcome;
    via_->act();
    is_asking_ = true;
    while (is_asking_ && !answers_ && open() && clock::now() < deadline_)
        std::ignore = co_await changed_.wait_until(deadline_);
    const bool is_withdrawn = !is_asking_ && !cancelled_;
    is_asking_ = false;
    if (answers_) co_return to_outcome(*std::exchange(answers_, std::nullopt));
    via_->machine_.withdraw(id_);
    via_->act();
    outcome.what = is_withdrawn ? mcp::input_outcome::state::withdrawn : mcp::input_outcome::state::unanswered;
    co_return outcome;
}

void connection::remote_reply::withdraw() {
    is_asking_ = false;
    changed_.notify_all();
}

void connection::remote_reply::answered(proto::answers_message answers) {
    if (!is_asking_) return;
    answers_ = std::move(answers);
    changed_.notify_all();
}

void connection::remote_reply::cancel() {
    cancelled_ = true;
    withdraw();
    tell();
}

void connection::remote_reply::tell() {
    if (auto listener = std::exchange(listener_, {})) listener();
}

}  // namespace agent::link
