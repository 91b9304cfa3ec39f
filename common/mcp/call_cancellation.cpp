#include "common/mcp/call_cancellation.hpp"

#include <utility>

#include <boost/asio/post.hpp>

namespace common::mcp {

void call_cancellation::listen(std::function<void()> listener) {
    listener_ = std::move(listener);
    if (!is_requested_ || is_told_ || !listener_) return;
    // Told late rather than from inside the back end's own call.
    boost::asio::post(executor_, [self = shared_from_this()] { self->tell(); });
}

void call_cancellation::request() {
    is_requested_ = true;
    if (inside_) inside_();
    tell();
}

void call_cancellation::request_from_anywhere() {
    boost::asio::post(executor_, [self = shared_from_this()] { self->request(); });
}

void call_cancellation::close() {
    is_told_ = true;
    listener_ = nullptr;
    inside_ = nullptr;
}

void call_cancellation::tell() {
    if (is_told_ || !listener_) return;
    is_told_ = true;
    const std::function<void()> listener = std::exchange(listener_, nullptr);
    listener();
}

}  // namespace common::mcp
