#include "hub/links/remote_call.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>

#include "hub/links/link.hpp"

namespace hub::links {

namespace asio = boost::asio;

remote_call::remote_call(asio::any_io_executor executor, std::weak_ptr<link> via)
    : link_(std::move(via)), ready_(executor, asio::steady_timer::time_point::max()), body_ready_(executor) {}

asio::awaitable<bool> remote_call::send_body(std::string bytes, std::chrono::milliseconds stall) {
    std::string_view rest = bytes;
    while (!rest.empty() && !is_over()) {
        std::size_t taken = 0;
        if (const auto via = link_.lock()) taken = via->send_body(id_, rest);
        rest.remove_prefix(taken);
        if (rest.empty() || is_over()) break;
        body_ready_.expires_after(stall);
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        auto [ec] = co_await body_ready_.async_wait(token);
        if (!ec)
            cancel({proto::error_code::timeout,
                    "The machine takes no more of the upload.",
                    "Look at the machine, then send the file again.",
                    {}});
    }
    co_return !is_over();
}

asio::awaitable<std::expected<std::optional<call_part>, call_failure>> remote_call::next() {
    if (const auto taken = std::exchange(taken_, 0); taken > 0)
        if (const auto via = link_.lock()) via->grant_credit(id_, taken);
    while (!progress_ && !question_ && bytes_.empty() && !whole_ && !failure_) {
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        auto [ec] = co_await ready_.async_wait(token);
        (void)ec;  // cancelled = woken
    }
    if (progress_) co_return std::optional<call_part>(*std::exchange(progress_, std::nullopt));
    if (question_) co_return std::optional<call_part>(*std::exchange(question_, std::nullopt));
    if (!bytes_.empty()) {
        taken_ = bytes_.size();
        co_return std::optional<call_part>(std::exchange(bytes_, {}));
    }
    if (failure_) co_return std::unexpected(*failure_);
    co_return std::optional<call_part>();
}

void remote_call::cancel(proto::error reason) {
    if (failure_ || (whole_ && bytes_.empty())) return;
    if (const auto via = link_.lock()) via->cancel(id_);
    bytes_ = {};
    progress_.reset();
    failed({std::move(reason), false});
}

void remote_call::answer(std::uint32_t number, const proto::answers_message& message) {
    if (const auto via = link_.lock()) via->answer(id_, number, message);
}

void remote_call::piece(std::string bytes, bool fin) {
    if (bytes_.empty()) {
        bytes_ = std::move(bytes);
    } else {
        bytes_ += bytes;
    }
    whole_ = fin;
    wake();
}

void remote_call::progress(proto::progress_update update) {
    // Only the newest counts. Once the result has begun there is no place for it in the answer.
    if (!bytes_.empty()) return;
    progress_ = std::move(update);
    wake();
}

void remote_call::question(std::uint32_t number, proto::ask_message asked) {
    question_ = call_question{number, std::move(asked)};
    wake();
}

void remote_call::question_over() {
    question_.reset();
    if (on_question_over_) on_question_over_();
}

void remote_call::failed(call_failure failure) {
    failure_ = std::move(failure);
    wake();
    question_over();
}

void remote_call::drain() {
    if (!ends_on_drain_) return;
    cancel({proto::error_code::route_unavailable, "The hub restarts.", "Ask again in a moment.", {}});
}

void remote_call::wake() {
    ready_.cancel();
    if (!is_over()) return;
    body_ready_.cancel();
    if (on_over_) on_over_();
}

}  // namespace hub::links
