// What follows the arguments of a call, as it comes over the link: bounded by the credit that is granted for what was
// taken. Shared by the connection, which feeds it, and the one reader; the agent's I/O thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "agent/uploads/byte_source.hpp"
#include "agent/uploads/spool.hpp"
#include "common/async/event_signal.hpp"
#include "proto/messages.hpp"

namespace agent::link {

class remote_body final : public uploads::byte_source {
public:
    remote_body(boost::asio::any_io_executor executor, std::function<void(std::size_t)> grant)
        : grant_(std::move(grant)), changed_(std::move(executor)) {}

    boost::asio::awaitable<proto::result<std::string>> next() override;

    void push(std::string bytes, bool last);
    void cancel();

private:
    std::function<void(std::size_t)> grant_;
    common::async::event_signal changed_;
    std::string bytes_;
    std::size_t taken_ = 0;
    bool last_ = false;
    bool cancelled_ = false;
};

// The call codez.upload: what the hub is told of the file. `files` may be null.
boost::asio::awaitable<proto::result<std::string>> receive_upload(uploads::spool* files, proto::call_header header,
                                                                  std::string arguments,
                                                                  std::shared_ptr<remote_body> body);

}  // namespace agent::link
