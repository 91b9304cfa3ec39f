// What the back end writes a request's result to: puts the JSON-RPC response around it and hands it on to the answer, with
// everything that a call may tell or ask its client meanwhile. Lives on the exchange's executor, inside the request's
// coroutine.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mcp/call_cancellation.hpp"
#include "common/mcp/call_reply.hpp"
#include "common/mcp/request_context.hpp"
#include "common/mcp/request_state.hpp"
#include "common/mcp/response_stream.hpp"
#include "common/mcp/result_frame.hpp"
#include "common/mcp/wake_line.hpp"

namespace common::mcp {

// Of a request that a back end runs: raw spans of its parameters.
struct running_request {
    std::string_view id;
    std::string_view progress_token;   // empty if the client wants no progress
    std::string_view input_responses;  // a raw object, or empty
    std::optional<request_state> earlier;
    std::function<std::string()> binding;  // of its requestState
    result_kind kind = result_kind::plain;
};

class client_reply final : public call_reply {
public:
    client_reply(request_context& context, const running_request& request, response_stream& answer,
                 call_cancellation& cancellation);
    ~client_reply() override;

    boost::asio::awaitable<bool> write(std::string_view piece) override;
    // Figures that do not increase are left out: the protocol demands that they do.
    boost::asio::awaitable<bool> progress(double progress, std::optional<double> total, std::string message) override;
    void on_cancel(std::function<void()> listener) override { cancellation_.listen(std::move(listener)); }
    boost::asio::awaitable<bool> log(log_level level, std::string_view logger, std::string_view data) override;
    boost::asio::awaitable<input_outcome> ask(std::vector<input_request> questions, std::string state) override;
    void withdraw() override;
    void end_as_task(std::string task) override { task_ = std::move(task); }
    void end_as_error(protocol_error error) override { error_ = std::move(error); }
    boost::asio::awaitable<void> pause_stream(std::chrono::milliseconds retry) override;

    bool has_written() const { return frame_.has_begun(); }
    // The whole result has been written.
    boost::asio::awaitable<bool> end();

    // How the handler ended, if not by a result.
    const std::optional<protocol_error>& error() const { return error_; }
    const std::optional<std::string>& task() const { return task_; }
    // The raw object of an input_required result.
    const std::optional<std::string>& input_required() const { return input_required_; }
    // A raw ClientCapabilities object: what a question would have needed.
    const std::string& missing_capabilities() const { return missing_; }
    // The last ask() was `unsupported`.
    bool was_refused() const { return was_refused_; }

private:
    input_outcome look_up(const std::vector<input_request>& questions, std::string state);
    bool was_asked(const std::string& key) const;
    void suspend(const std::vector<const input_request*>& missing, std::string state);
    boost::asio::awaitable<input_outcome> send(std::vector<input_request> questions);

    request_context& context_;
    const running_request& request_;
    response_stream& answer_;
    call_cancellation& cancellation_;
    result_frame frame_;
    wake_line wake_;
    double last_progress_ = -std::numeric_limits<double>::infinity();
    bool is_asking_ = false;
    bool is_withdrawn_ = false;
    bool was_refused_ = false;
    std::vector<input_answer> answered_;  // in this round and those before
    std::optional<protocol_error> error_;
    std::optional<std::string> task_;
    std::optional<std::string> input_required_;
    std::string missing_;
};

}  // namespace common::mcp
