#include "common/mcp/response_stream.hpp"

#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "common/mcp/event_id.hpp"
#include "common/mcp/event_output.hpp"

namespace common::mcp {
namespace {

constexpr std::string_view event_head = "event: message\ndata: ";
constexpr std::string_view event_tail = "\n\n";
constexpr std::string_view comment = ": still working\n\n";

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

void response_stream::watch_peer(std::function<void()> on_lost) {
    on_lost_ = std::move(on_lost);
    if (is_gone_) return;
    if (!on_lost_) return exchange_.on_peer_closed({});
    exchange_.on_peer_closed([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->lose_peer();
    });
}

bool response_stream::can_return() const { return settings_.kept && has_ids_ && !settings_.kept->is_cut(); }

void response_stream::lose_peer() {
    is_gone_ = true;
    if (is_closed_) return;
    if (can_return())
        arm(settings_.resume_within);
    else
        give_up();
}

void response_stream::give_up() {
    is_given_up_ = true;
    if (const auto tell = std::exchange(on_lost_, nullptr)) tell();
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
    if (is_gone_) {
        // Somebody who reads the kept stream is waited for; nobody is given up.
        if (can_return() && settings_.kept->has_reader()) co_return arm(settings_.resume_within);
        co_return give_up();
    }
    if (form_ == form::json) co_return;
    if (form_ == form::undecided) {
        form_ = form::events;
        const std::string begun = std::exchange(buffer_, {});
        if (has_message_bytes_) begin_event();
        append(begun);
    }
    bool is_there = has_started_ || co_await start();
    // A comment cannot stand inside an event, and while one is being written there is no silence to break.
    if (is_there && !has_message_bytes_) is_there = co_await send(comment);
    if (is_there && has_message_bytes_) is_there = co_await flush();
    if (is_there && !is_closed_) arm(settings_.comment_every);
}

boost::asio::awaitable<bool> response_stream::start() {
    if (form_ == form::undecided) form_ = form::json;
    if (form_ == form::json) {
        fields_.add("Content-Type", "application/json");
        fields_.add("Cache-Control", "no-store");
    } else {
        add_event_stream_fields(fields_);
    }
    has_started_ = true;
    net::http_fields fields = fields_;
    is_gone_ = !co_await exchange_.start(status_, std::move(fields));
    if (is_gone_ || form_ != form::events || !settings_.kept || !settings_.is_primed) co_return !is_gone_;
    has_ids_ = true;
    co_return co_await send(fmt::format("id: {}\ndata:\n\n", next_event_id(0)));
}

boost::asio::awaitable<bool> response_stream::send(std::string_view piece) {
    if (is_gone_) co_return false;
    const bool is_sent = co_await exchange_.write(piece);
    if (!is_sent && !is_gone_) lose_peer();
    co_return is_sent;
}

boost::asio::awaitable<bool> response_stream::flush() {
    if (buffer_.empty()) co_return is_alive();
    const std::string bytes = std::exchange(buffer_, {});
    if (!is_gone_) std::ignore = co_await send(bytes);  // who has gone may come back
    co_return is_alive();
}

std::string response_stream::next_event_id(std::size_t number) {
    if (event_prefix_.empty()) event_prefix_ = settings_.event_prefix();
    return event_id(event_prefix_, number);
}

void response_stream::begin_event() {
    const std::size_t from = buffer_.size();
    if (settings_.kept) {
        buffer_ += fmt::format("id: {}\n", next_event_id(settings_.kept->next_number()));
        has_ids_ = true;
    }
    buffer_ += event_head;
    if (settings_.kept) settings_.kept->append(std::string_view(buffer_).substr(from));
}

void response_stream::append(std::string_view piece) {
    const std::size_t from = buffer_.size();
    buffer_ += piece;
    if (form_ != form::events) return;
    to_one_line(buffer_, from);
    if (settings_.kept) settings_.kept->append(std::string_view(buffer_).substr(from));
}

void response_stream::end_event() {
    buffer_ += event_tail;
    if (!settings_.kept) return;
    settings_.kept->append(event_tail);
    settings_.kept->end_event();
}

boost::asio::awaitable<bool> response_stream::write(std::string_view piece) {
    if (piece.empty()) co_return is_alive();
    const write_turn::holder turn = co_await turn_.take();
    if (!is_alive()) co_return false;
    if (!has_message_bytes_) {
        if (form_ == form::events)
            begin_event();
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
    if (form_ != form::events || !is_alive()) co_return is_alive();
    end_event();
    co_return co_await flush();
}

boost::asio::awaitable<bool> response_stream::write_message(std::string_view message) {
    std::ignore = co_await write(message);  // end() tells the same
    co_return co_await end();
}

boost::asio::awaitable<bool> response_stream::write_error(int status, std::string_view message, net::http_fields more) {
    if (status != 200 && !has_started_ && !settings_.is_batch) {
        status_ = status;
        fields_.add_all(more);
        form_ = form::json;  // errors of HTTP are JSON, whatever the client accepts
    }
    co_return co_await write_message(message);
}

boost::asio::awaitable<bool> response_stream::notify(std::string_view message) {
    const write_turn::holder turn = co_await turn_.take();
    if (!is_alive()) co_return false;
    if (!can_notify()) co_return true;
    form_ = form::events;
    begin_event();
    append(message);
    end_event();
    if (!has_started_) {
        const bool has_begun = co_await start();
        if (!has_begun) co_return false;
    }
    co_return co_await flush();
}

boost::asio::awaitable<void> response_stream::pause(std::chrono::milliseconds retry) {
    const write_turn::holder turn = co_await turn_.take();
    if (!settings_.kept || !settings_.is_primed || !can_notify() || is_gone_) co_return;
    form_ = form::events;
    const bool was_started = has_started_;
    if (!has_started_) {
        // The request goes on in this exchange, so the connection cannot serve another one.
        fields_.add("Connection", "close");
        const bool has_begun = co_await start();
        if (!has_begun) co_return;
    }
    const bool is_told = co_await send(fmt::format("retry: {}\n\n", retry.count()));
    if (!is_told) co_return;
    std::ignore = co_await exchange_.finish();
    if (was_started) exchange_.abort();
    exchange_.on_peer_closed({});
    is_released_ = true;
    lose_peer();
}

boost::asio::awaitable<void> response_stream::finish() {
    const write_turn::holder turn = co_await turn_.take();
    abandon();
    if (settings_.kept) settings_.kept->finish();
    if (is_gone_) {
        if (!is_released_) exchange_.abort();
        co_return;
    }
    if (settings_.is_batch && form_ != form::events) buffer_ += has_messages_ ? "]" : "[]";
    if (!has_started_ && form_ != form::events) {
        net::http_response response;
        response.status = status_;
        response.fields = std::move(fields_);
        response.fields.add("Content-Type", "application/json");
        response.fields.add("Cache-Control", "no-store");
        response.body = std::move(buffer_);
        is_gone_ = !co_await exchange_.respond(std::move(response));
        co_return;
    }
    std::ignore = co_await flush();
    if (!is_gone_) is_gone_ = !co_await exchange_.finish();
}

void response_stream::abandon() {
    is_closed_ = true;
    timer_.cancel();
    if (std::exchange(on_lost_, nullptr) && !is_gone_) exchange_.on_peer_closed({});
}

boost::asio::awaitable<void> response_stream::abort() {
    if (!is_released_) exchange_.abort();
    const write_turn::holder turn = co_await turn_.take();
    is_gone_ = true;
    abandon();
    if (settings_.kept) settings_.kept->cut();
}

}  // namespace common::mcp
