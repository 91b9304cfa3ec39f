// One request, one answer, then the connection is closed: for enrolment and other rare calls. Any status is an answer,
// redirects are not followed. Runs on the executor of the coroutine that awaits it.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/net/connect_error.hpp"
#include "common/net/http.hpp"
#include "common/net/proxy.hpp"

namespace common::net {

struct fetch_guard;

struct http_client_request {
    std::string method = "GET";
    std::string url{};     // http:// or https://
    http_fields fields{};  // Host, Content-Length and Connection are added
    std::string body{};
    std::string ca_file{};  // PEM, trusted besides the system's authorities; empty for none
    std::chrono::milliseconds timeout{30000};
    std::size_t body_bytes_max = std::size_t{4} << 20;  // of the answer
    std::optional<proxy_address> http_proxy{};          // as proxy_for() says
    // For a URL that a stranger chose: where it may lead, the authorities to trust, no proxy, no compressed answer.
    std::shared_ptr<const fetch_guard> guard{};
};

boost::asio::awaitable<std::expected<http_response, connect_error>> fetch(http_client_request request);

}  // namespace common::net
