// What the back end writes a call's result to: puts the JSON-RPC response around it and hands it on to the answer.
// Lives on the exchange's executor, inside the request's coroutine.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/mcp/backend.hpp"
#include "common/mcp/response_stream.hpp"

namespace common::mcp {

// Tells a call's back end, once, that nobody waits for it any more. Shared with those who may say so: the peer's
// closing, and notifications/cancelled.
class call_cancellation : public std::enable_shared_from_this<call_cancellation> {
public:
    explicit call_cancellation(const boost::asio::any_io_executor& executor) : executor_(executor) {}

    void listen(std::function<void()> listener);
    void request();                // on the executor
    void request_from_anywhere();  // any thread
    void close();                  // the call is over

private:
    void tell();

    boost::asio::any_io_executor executor_;
    std::function<void()> listener_;
    bool is_requested_ = false;
    bool is_told_ = false;
};

class tool_call_reply final : public call_reply {
public:
    // `id` and `progress_token` are raw; the token is empty if the client wants no progress.
    tool_call_reply(response_stream& answer, call_cancellation& cancellation, std::string_view id,
                    std::string_view progress_token)
        : answer_(answer), cancellation_(cancellation), id_(id), progress_token_(progress_token) {}

    boost::asio::awaitable<bool> write(std::string_view piece) override;
    // Figures that do not increase are left out: the protocol demands that they do.
    boost::asio::awaitable<bool> progress(double progress, std::optional<double> total, std::string message) override;
    void on_cancel(std::function<void()> listener) override { cancellation_.listen(std::move(listener)); }

    bool has_written() const { return has_written_; }
    // The whole result has been written.
    boost::asio::awaitable<bool> end();

private:
    response_stream& answer_;
    call_cancellation& cancellation_;
    std::string_view id_;
    std::string_view progress_token_;
    double last_progress_ = -std::numeric_limits<double>::infinity();
    bool has_written_ = false;
};

}  // namespace common::mcp
