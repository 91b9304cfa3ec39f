// Tells a running call, once, that nobody waits for it any more: its back end, and the engine where it waits for the
// client itself. Shared with those who may say so: the peer's closing, and notifications/cancelled.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

namespace common::mcp {

class call_cancellation : public std::enable_shared_from_this<call_cancellation> {
public:
    explicit call_cancellation(const boost::asio::any_io_executor& executor) : executor_(executor) {}

    void listen(std::function<void()> listener);  // the back end's
    void listen_inside(std::function<void()> listener) { inside_ = std::move(listener); }
    void request();                // on the executor
    void request_from_anywhere();  // any thread
    void close();                  // the call is over
    bool is_requested() const { return is_requested_; }

private:
    void tell();

    boost::asio::any_io_executor executor_;
    std::function<void()> listener_;
    std::function<void()> inside_;
    bool is_requested_ = false;
    bool is_told_ = false;
};

}  // namespace common::mcp
