// PUT /api/v1/uploads at the agent's own endpoint. The agent's I/O thread.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/uploads/spool.hpp"
#include "common/net/http.hpp"
#include "proto/principal.hpp"

namespace agent::uploads {

class upload_endpoint {
public:
    // The spool outlives the endpoint. `is_own`: does that id or name mean this machine?
    upload_endpoint(spool& files, std::function<bool(std::string_view machine)> is_own)
        : files_(files), is_own_(std::move(is_own)) {}

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange, const proto::principal& who);

private:
    spool& files_;
    std::function<bool(std::string_view)> is_own_;
};

}  // namespace agent::uploads
