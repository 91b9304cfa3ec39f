// The text of HTTP/1.1 messages that we send. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/http.hpp"

namespace common::net {

enum class body_framing { length, chunked, until_close, none };

struct response_head {
    int status = 200;
    const http_fields* fields = nullptr;
    body_framing framing = body_framing::length;
    std::size_t content_length = 0;
    bool keep_alive = true;
    std::chrono::system_clock::time_point now;
};

// Status line and fields, up to and with the empty line. Throws std::invalid_argument for a field that would change
// the message's structure (a line break in a value): a bug of the caller.
std::string format_response_head(const response_head& head);

struct request_head {
    std::string_view method;
    std::string_view target;
    std::string_view host;
    const http_fields* fields = nullptr;
    std::optional<std::size_t> content_length;
};

// The same for a request on a connection that is used once.
std::string format_request_head(const request_head& head);

// {"error":code,"message":sentence}
http_response error_response(int status, std::string_view code, std::string_view message);

bool is_token(std::string_view text);
// Does a comma-separated list contain the token, without case?
bool list_contains(std::string_view list, std::string_view token);

}  // namespace common::net
