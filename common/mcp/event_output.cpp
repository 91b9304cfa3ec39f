#include "common/mcp/event_output.hpp"

#include <utility>

#include <fmt/format.h>

namespace common::mcp {

void add_event_stream_fields(net::http_fields& fields) {
    fields.add("Content-Type", "text/event-stream");
    fields.add("Cache-Control", "no-cache, no-transform");
    fields.add("X-Accel-Buffering", "no");  // nginx would hold the events back
}

void to_one_line(std::string& text, std::size_t from) {
    for (const char line_break : {'\n', '\r'}) {
        for (std::size_t at = from; (at = text.find(line_break, at)) != std::string::npos; ++at) text[at] = ' ';
    }
}

boost::asio::awaitable<bool> event_output::start() {
    net::http_fields fields{{"X-Request-Id", context_.request_id}};
    add_event_stream_fields(fields);
    is_gone_ = !co_await context_.exchange.start(200, std::move(fields));
    co_return !is_gone_;
}

boost::asio::awaitable<bool> event_output::event(std::string_view id, std::string text) {
    to_one_line(text);
    std::string event;
    if (!id.empty()) event = fmt::format("id: {}\n", id);
    event += text.empty() ? "data:\n\n" : fmt::format("event: message\ndata: {}\n\n", text);
    co_return co_await raw(std::move(event));
}

boost::asio::awaitable<bool> event_output::raw(std::string text) {
    if (is_gone_) co_return false;
    is_gone_ = !co_await context_.exchange.write(text);
    co_return !is_gone_;
}

boost::asio::awaitable<bool> event_output::comment() { co_return co_await raw(": still here\n\n"); }

boost::asio::awaitable<void> event_output::finish() {
    if (!is_gone_) co_await context_.exchange.finish();
}

void event_output::abort() { context_.exchange.abort(); }

}  // namespace common::mcp
