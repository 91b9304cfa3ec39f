#include "common/mcp/tool_call_reply.hpp"

#include <utility>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "common/mcp/rpc_text.hpp"
#include "proto/limits.hpp"

namespace common::mcp {

void call_cancellation::listen(std::function<void()> listener) {
    listener_ = std::move(listener);
    if (!is_requested_ || is_told_ || !listener_) return;
    // Told late rather than from inside the back end's own call.
    boost::asio::post(executor_, [self = shared_from_this()] { self->tell(); });
}

void call_cancellation::request() {
    is_requested_ = true;
    tell();
}

void call_cancellation::request_from_anywhere() {
    boost::asio::post(executor_, [self = shared_from_this()] { self->request(); });
}

void call_cancellation::close() {
    is_told_ = true;
    listener_ = nullptr;
}

void call_cancellation::tell() {
    if (is_told_ || !listener_) return;
    is_told_ = true;
    const std::function<void()> listener = std::exchange(listener_, nullptr);
    listener();
}

boost::asio::awaitable<bool> tool_call_reply::write(std::string_view piece) {
    if (piece.empty()) co_return true;
    if (has_written_) co_return co_await answer_.write(piece);
    has_written_ = true;
    std::string first = fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":)", id_);
    first += piece;
    co_return co_await answer_.write(first);
}

boost::asio::awaitable<bool> tool_call_reply::progress(double progress, std::optional<double> total,
                                                       std::string message) {
    if (progress_token_.empty() || !(progress > last_progress_)) co_return true;
    if (message.size() > proto::limits::progress_bytes_max) message.resize(proto::limits::progress_bytes_max);
    const std::optional<std::string> text = progress_text(progress_token_, progress, total, message);
    if (!text) co_return true;
    last_progress_ = progress;
    co_return co_await answer_.notify(*text);
}

boost::asio::awaitable<bool> tool_call_reply::end() {
    const bool is_alive = co_await answer_.write("}");
    if (!is_alive) co_return false;
    co_return co_await answer_.end();
}

}  // namespace common::mcp
