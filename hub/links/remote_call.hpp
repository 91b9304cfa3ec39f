// One call that a machine is carrying out. Made by link::call(); shared by the link, which feeds it, and the one waiting
// caller. Lives on the hub's executor. Bounded: the bytes by the credit that the machine was given, progress and questions
// by keeping the newest only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "proto/error.hpp"
#include "proto/messages.hpp"
#include "proto/questions.hpp"

namespace hub::links {

class link;

struct call_failure {
    proto::error error;
    bool link_lost = false;  // the link ended under the call: what the machine has done is not known
};

// What the call asks its client: answer() it under its number.
struct call_question {
    std::uint32_t number = 0;
    proto::ask_message asked;
};

// What comes before the end: bytes of the result, word of how far it is, or a question.
using call_part = std::variant<std::string, proto::progress_update, call_question>;

class remote_call {
public:
    remote_call(boost::asio::any_io_executor executor, std::weak_ptr<link> via);

    // The next part, nullopt when the result was whole. Grants the machine credit for what was taken before.
    boost::asio::awaitable<std::expected<std::optional<call_part>, call_failure>> next();

    // Sends the next bytes of what follows the arguments; completes when the machine's window has taken them. False: the
    // call is over, next() says how; also when the machine takes nothing for `stall`, which cancels it.
    boost::asio::awaitable<bool> send_body(std::string bytes, std::chrono::milliseconds stall);
    // Called when the call is over, by whomever, perhaps more than once. An empty function removes the listener.
    void on_over(std::function<void()> listener) { on_over_ = std::move(listener); }
    bool is_over() const { return whole_ || failure_.has_value(); }

    // Ends the waiting: the machine is told, and next() fails with `reason`. What the machine already did stays done.
    // Without effect once the call is over and all of it was taken.
    void cancel(proto::error reason);

    // Nothing happens if that question is over, or the call. With `suspended` the call is: next() may not be awaited again.
    void answer(std::uint32_t number, const proto::answers_message& message);
    // Called when the machine takes its question back, or the call ends under it. An empty function removes the listener.
    void on_question_over(std::function<void()> listener) { on_question_over_ = std::move(listener); }

    // The call only reads, so a hub that is about to stop ends it at once with route_unavailable instead of waiting for
    // the answer.
    void end_on_drain() { ends_on_drain_ = true; }

private:
    friend class link;
    void piece(std::string bytes, bool fin);
    void progress(proto::progress_update update);
    void question(std::uint32_t number, proto::ask_message asked);
    void question_over();
    void failed(call_failure failure);
    void body_wanted() { body_ready_.cancel(); }
    void drain();
    void wake();

    std::uint64_t id_ = 0;
    std::weak_ptr<link> link_;
    boost::asio::steady_timer
        ready_;  // cancelled to wake the waiting next(): experimental::channel loses replies (1.81)
    boost::asio::steady_timer body_ready_;  // the same for send_body()
    std::string bytes_;
    std::optional<proto::progress_update> progress_;
    std::optional<call_question> question_;  // the machine has one open at a time
    std::function<void()> on_question_over_;
    std::function<void()> on_over_;
    std::size_t taken_ = 0;
    bool whole_ = false;
    bool ends_on_drain_ = false;
    std::optional<call_failure> failure_;
};

}  // namespace hub::links
