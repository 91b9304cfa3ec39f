#include "hub/links/remote_call.hpp"

#include <utility>

#include <boost/asio/as_tuple.hpp>

#include "hub/links/link.hpp"

namespace hub::links {

namespace asio = boost::asio;

remote_call::remote_call(asio::any_io_executor executor, std::weak_ptr<link> via)
    : link_(std::move(via)), ready_(std::move(executor), asio::steady_timer::time_point::max()) {}

asio::awaitable<std::expected<std::optional<call_part>, call_failure>> remote_call::next() {
    if (taken_ > 0) {
        if (auto via = link_.lock()) via->grant_credit(id_, taken_);
        taken_ = 0;
    }
    while (parts_.empty() && !whole_ && !failure_) {
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        auto [ec] = co_await ready_.async_wait(token);
        (void)ec;  // cancelled = woken
    }
    if (!parts_.empty()) {
        call_part part = std::move(parts_.front());
        parts_.pop_front();
        if (const auto* bytes = std::get_if<std::string>(&part)) taken_ = bytes->size();
        co_return std::optional<call_part>(std::move(part));
    }
    if (failure_) co_return std::unexpected(*failure_);
    co_return std::optional<call_part>();
}

void remote_call::cancel(proto::error reason) {
    if (whole_ || failure_) return;
    if (auto via = link_.lock()) via->cancel(id_);
    parts_.clear();
    failed({std::move(reason), false});
}

void remote_call::piece(std::string bytes, bool fin) {
    if (!bytes.empty()) parts_.emplace_back(std::move(bytes));
    whole_ = fin;
    wake();
}

void remote_call::progress(proto::progress_update update) {
    // Only the newest counts, so a slow reader costs one.
    if (!parts_.empty() && std::holds_alternative<proto::progress_update>(parts_.back())) parts_.pop_back();
    parts_.emplace_back(std::move(update));
    wake();
}

void remote_call::failed(call_failure failure) {
    failure_ = std::move(failure);
    wake();
}

void remote_call::wake() {
    ready_.cancel();
}

}  // namespace hub::links
