#include "common/mcp/response_stream.hpp"

#include <tuple>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace common::mcp {
namespace {

constexpr std::string_view event_head = "event: message\ndata: ";
constexpr std::string_view event_tail = "\n\n";
constexpr std::string_view comment = ": still working\n\n";

// An event's data ends at a line break. JSON has raw ones only between tokens, where a space means the same.
void to_one_line(std::string& text, std::size_t from) {
    for (const char line_break : {'\n', '\r'}) {
        for (std::size_t at = from; (at = text.find(line_break, at)) != std::string::npos; ++at) text[at] = ' ';
    }
}

}  // namespace

response_stream::response_stream(const boost::asio::any_io_executor& executor, net::http_exchange& exchange,
                                 settings settings)
    : executor_(executor),
      exchange_(exchange),
      settings_(std::move(settings)),
      form_(settings_.initial),
      timer_(executor),
      turn_(executor) {
    fields_.add("X-Request-Id", settings_.request_id);
}

void response_stream::add_field(std::string name, std::string value) { fields_.add(std::move(name), std::move(value)); }

void response_stream::expect_delay() {
    if (form_ != form::json) arm(settings_.stream_after);
}

void response_stream::arm(std::chrono::milliseconds delay) {
    timer_.expires_after(delay);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
        if (!ec && !self->is_closed_) {
            boost::asio::co_spawn(self->executor_, tick(self), boost::asio::detached);
        }
    });
}

boost::asio::awaitable<void> response_stream::tick(std::shared_ptr<response_stream> self) {
    const write_turn::holder turn = co_await self->turn_.take();
    if (!self->is_closed_) co_await self->on_tick();
}

boost::asio::awaitable<void> response_stream::on_tick() {
    if (form_ == form::json || is_gone_) co_return;
    if (form_ == form::undecided) {
        form_ = form::events;
        to_one_line(buffer_, 0);
        if (has_message_bytes_) buffer_.insert(0, event_head);
    }
    bool is_alive = has_started_ || co_await start();
    // A comment cannot stand inside an event, and while one is being written there is no silence to break.
    if (is_alive && !has_message_bytes_) is_alive = co_await send(comment);
    if (is_alive && has_message_bytes_) is_alive = co_await flush();
    if (is_alive && !is_closed_) arm(settings_.comment_every);
}

boost::asio::awaitable<bool> response_stream::start() {
    if (form_ == form::undecided) form_ = form::json;
    if (form_ == form::json) {
        fields_.add("Content-Type", "application/json");
        fields_.add("Cache-Control", "no-store");
    } else {
        fields_.add("Content-Type", "text/event-stream");
        fields_.add("Cache-Control", "no-cache, no-transform");
        fields_.add("X-Accel-Buffering", "no");  // nginx would hold the events back
    }
    has_started_ = true;
    net::http_fields fields = fields_;
    is_gone_ = !co_await exchange_.start(200, std::move(fields));
    co_return !is_gone_;
}

boost::asio::awaitable<bool> response_stream::send(std::string_view piece) {
    if (is_gone_) co_return false;
    is_gone_ = !co_await exchange_.write(piece);
    co_return !is_gone_;
}

boost::asio::awaitable<bool> response_stream::flush() {
    if (buffer_.empty()) co_return !is_gone_;
    const std::string bytes = std::exchange(buffer_, {});
    co_return co_await send(bytes);
}

void response_stream::append(std::string_view piece) {
    const std::size_t from = buffer_.size();
    buffer_ += piece;
    if (form_ == form::events) to_one_line(buffer_, from);
}

boost::asio::awaitable<bool> response_stream::write(std::string_view piece) {
    if (piece.empty()) co_return !is_gone_;
    const write_turn::holder turn = co_await turn_.take();
    if (is_gone_ || is_closed_) co_return false;
    if (!has_message_bytes_) {
        if (form_ == form::events)
            buffer_ += event_head;
        else if (settings_.is_batch)
            buffer_ += has_messages_ ? ',' : '[';
        has_message_bytes_ = true;
        has_messages_ = true;
    }
    append(piece);
    if (!has_started_) {
        if (form_ != form::events && buffer_.size() <= settings_.bytes_buffered_max) co_return true;
        const bool has_begun = co_await start();
        if (!has_begun) co_return false;
    }
    co_return co_await flush();
}

boost::asio::awaitable<bool> response_stream::end() {
    const write_turn::holder turn = co_await turn_.take();
    has_message_bytes_ = false;
    if (form_ == form::undecided) form_ = form::json;  // all is there
    if (form_ != form::events || is_gone_ || is_closed_) co_return !is_gone_;
    buffer_ += event_tail;
    co_return co_await flush();
}

boost::asio::awaitable<bool> response_stream::write_message(std::string_view message) {
    std::ignore = co_await write(message);  // end() tells the same
    co_return co_await end();
}

boost::asio::awaitable<bool> response_stream::notify(std::string_view message) {
    const write_turn::holder turn = co_await turn_.take();
    if (is_gone_ || is_closed_) co_return false;
    if (form_ == form::json || has_message_bytes_) co_return true;
    form_ = form::events;
    buffer_ += event_head;
    append(message);
    buffer_ += event_tail;
    if (!has_started_) {
        const bool has_begun = co_await start();
        if (!has_begun) co_return false;
    }
    co_return co_await flush();
}

boost::asio::awaitable<void> response_stream::finish() {
    const write_turn::holder turn = co_await turn_.take();
    abandon();
    if (is_gone_) co_return;
    if (settings_.is_batch && form_ != form::events) buffer_ += has_messages_ ? "]" : "[]";
    if (!has_started_ && form_ != form::events) {
        net::http_response response;
        response.fields = std::move(fields_);
        response.fields.add("Content-Type", "application/json");
        response.fields.add("Cache-Control", "no-store");
        response.body = std::move(buffer_);
        is_gone_ = !co_await exchange_.respond(std::move(response));
        co_return;
    }
    const bool is_alive = co_await flush();
    if (is_alive) is_gone_ = !co_await exchange_.finish();
}

void response_stream::abandon() {
    is_closed_ = true;
    timer_.cancel();
}

boost::asio::awaitable<void> response_stream::abort() {
    exchange_.abort();
    const write_turn::holder turn = co_await turn_.take();
    is_gone_ = true;
    abandon();
}

}  // namespace common::mcp
