// The reply of a call that came over the link: writes the result as credit allows and passes questions on. Kept by its
// call; the agent's I/O thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/link/connection.hpp"
#include "common/async/event_signal.hpp"
#include "common/mcp/call_reply.hpp"

namespace agent::link {

class connection::remote_reply : public common::mcp::call_reply, public std::enable_shared_from_this<remote_reply> {
public:
    // `patience`: how long the hub told that it waits.
    remote_reply(std::shared_ptr<connection> via, std::uint64_t id, std::chrono::milliseconds patience);

    boost::asio::awaitable<bool> write(std::string_view piece) override;
    boost::asio::awaitable<bool> progress(double progress, std::optional<double> total, std::string message) override;
    void on_cancel(std::function<void()> listener) override;
    boost::asio::awaitable<common::mcp::input_outcome> ask(std::vector<common::mcp::input_request> questions,
                                                           std::string state) override;
    void withdraw() override;

    // From the link.
    void credit_available() { changed_.notify_all(); }
    void answered(proto::answers_message answers);
    void cancel();

private:
    using clock = std::chrono::steady_clock;

    bool open() const { return via_->machine_.is_open(id_); }
    void tell();

    std::shared_ptr<connection> via_;
    std::uint64_t id_;
    common::async::event_signal changed_;
    clock::time_point deadline_;
    std::function<void()> listener_;
    std::optional<proto::answers_message> answers_;
    bool is_asking_ = false;
    bool cancelled_ = false;
};

}  // namespace agent::link
