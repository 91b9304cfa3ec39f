// Reads HTTP/1.1 requests from one connection, one after the other; what a client sent ahead stays in its buffer.
// Refuses what two programs could read in two ways (request smuggling, RFC 9112 §11.2). Owned by an http_session.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "common/net/http_limits.hpp"
#include "common/net/stream.hpp"

namespace common::net {

// Why there is no request: an answer to give before closing, or status 0 if the connection has ended.
struct request_refusal {
    int status = 0;
    std::string code;
    std::string message;
};

class request_reader {
public:
    explicit request_reader(const http_limits& limits);
    ~request_reader();
    request_reader(const request_reader&) = delete;
    request_reader& operator=(const request_reader&) = delete;

    // Waits for the first byte of the next request. False: the connection has ended.
    boost::asio::awaitable<bool> wait_for_request(stream& from);
    // The request without its body.
    boost::asio::awaitable<std::expected<http_request, request_refusal>> read_head(stream& from);
    boost::asio::awaitable<std::expected<std::string, request_refusal>> read_body(stream& from);
    // The next bytes of the body instead of all of them; empty when it is over.
    boost::asio::awaitable<std::expected<std::string, request_refusal>> read_body_piece(stream& from);

    // After read_head():
    bool has_body() const;
    // A body that is longer than allowed, as its head says already.
    std::optional<request_refusal> refuse_body() const;
    bool expects_continue() const;  // and has not begun to send the body yet
    bool keep_alive() const;
    bool is_http_1_0() const;
    // Bytes after the request are here already.
    bool has_more() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace common::net
