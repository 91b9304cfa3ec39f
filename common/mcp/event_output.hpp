// An event stream that is one from its first byte: GET streams and subscriptions. Lives on the exchange's executor; the
// functions that write answer false when the client has gone.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/request_context.hpp"

namespace common::mcp {

// The fields of every event stream.
void add_event_stream_fields(net::http_fields& fields);

// Line breaks of a JSON text as spaces: an event's data ends at one. JSON has raw ones only between tokens.
void to_one_line(std::string& text, std::size_t from = 0);

class event_output {
public:
    explicit event_output(request_context& context) : context_(context) {}

    boost::asio::awaitable<bool> start();
    // `id` may be empty; `text` is one JSON message, or empty for an event that has an id only.
    boost::asio::awaitable<bool> event(std::string_view id, std::string text);
    // Events as they were written before.
    boost::asio::awaitable<bool> raw(std::string text);
    boost::asio::awaitable<bool> comment();
    boost::asio::awaitable<void> finish();
    void abort();  // the client has gone

private:
    request_context& context_;
    bool is_gone_ = false;
};

}  // namespace common::mcp
