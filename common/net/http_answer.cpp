#include "common/net/http_answer.hpp"

#include <array>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/net/websocket_channel.hpp"
#include "common/net/websocket_handshake.hpp"

namespace common::net {
namespace asio = boost::asio;
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
// How often the kernel is asked while bytes that a client sent ahead hide the end of its connection.
constexpr std::chrono::seconds look_interval{1};

}  // namespace

http_answer::http_answer(session_parts session, http_request request, answer_traits traits)
    : session_(session),
      request_(std::move(request)),
      http_1_0_(traits.http_1_0),
      keep_alive_(traits.keep_alive),
      unread_input_(traits.unread_input),
      fields_(std::move(traits.fields)),
      read_body_(std::move(traits.read_body)) {}

asio::awaitable<std::expected<std::string, http_response>> http_exchange::read_body() {
    co_return std::string();  // the listener has read it
}

asio::awaitable<std::expected<std::string, http_response>> http_answer::read_body() {
    if (reading_stopped_) co_return std::unexpected(http_response{0, {}, {}});
    if (!read_body_) co_return std::string();
    auto piece = co_await read_body_();
    co_return piece;
}

void http_answer::stop_reading() {
    if (!read_body_ || state_ != state::open || std::exchange(reading_stopped_, true)) return;
    session_.connection.stop_reading();
}

// RFC 9112 §6.3: these never have one.
bool http_answer::body_allowed(int status) const {
    return request_.method != "HEAD" && status >= 200 && status != 204 && status != 304;
}

asio::awaitable<bool> http_answer::respond(http_response response) {
    if (state_ != state::open) co_return false;
    const bool with_body = body_allowed(response.status);
    response.fields.add_all(fields_);
    if (const auto connection = response.fields.find("connection"); connection && list_contains(*connection, "close")) {
        keep_alive_ = false;
    }
    const bool with_length = with_body || (request_.method == "HEAD" && response.status != 204);
    const std::string head = format_response_head({.status = response.status,
                                                   .fields = &response.fields,
                                                   .framing = with_length ? body_framing::length : body_framing::none,
                                                   .content_length = response.body.size(),
                                                   .keep_alive = keep_alive_,
                                                   .now = std::chrono::system_clock::now()});
    announced_close_ = !keep_alive_;
    state_ = state::started;
    const std::string_view body = with_body ? std::string_view(response.body) : std::string_view();
    const bool sent = co_await send(head, body, {});
    if (sent) state_ = state::finished;
    co_return sent;
}

asio::awaitable<bool> http_answer::start(int status, http_fields fields) {
    if (state_ != state::open) co_return false;
    fields.add_all(fields_);
    if (const auto connection = fields.find("connection"); connection && list_contains(*connection, "close")) {
        keep_alive_ = false;
    }
    framing_ = body_framing::none;
    if (body_allowed(status)) framing_ = http_1_0_ ? body_framing::until_close : body_framing::chunked;
    if (framing_ == body_framing::until_close) keep_alive_ = false;
    const std::string head = format_response_head({.status = status,
                                                   .fields = &fields,
                                                   .framing = framing_,
                                                   .keep_alive = keep_alive_,
                                                   .now = std::chrono::system_clock::now()});
    announced_close_ = !keep_alive_;
    state_ = state::started;
    const bool sent = co_await send(head, {}, {});
    co_return sent;
}

asio::awaitable<bool> http_answer::write(std::string_view piece) {
    if (state_ != state::started) co_return false;
    // An empty chunk would end the body.
    if (piece.empty() || framing_ == body_framing::none) co_return !peer_gone_;
    const bool chunked = framing_ == body_framing::chunked;
    const std::string size = chunked ? fmt::format("{:x}\r\n", piece.size()) : std::string();
    const std::string_view end = chunked ? "\r\n" : "";
    const bool sent = co_await send(size, piece, end);
    co_return sent;
}

asio::awaitable<bool> http_answer::finish() {
    if (state_ != state::started) co_return false;
    const std::string_view last_chunk = framing_ == body_framing::chunked ? "0\r\n\r\n" : "";
    const bool sent = co_await send(last_chunk, {}, {});
    if (sent) state_ = state::finished;
    co_return sent;
}

void http_answer::abort() {
    if (state_ == state::upgraded || state_ == state::broken) return;
    state_ = state::broken;
    session_.connection.reset();
}

asio::awaitable<bool> http_answer::send(std::string_view head, std::string_view body, std::string_view tail) {
    std::array<asio::const_buffer, 3> parts{asio::buffer(head), asio::buffer(body), asio::buffer(tail)};
    const auto self = shared_from_this();
    while (asio::buffer_size(parts) != 0 && !peer_gone_) {
        session_.stall.arm(session_.limits.write_stall_timeout);
        const auto [ec, bytes] = co_await session_.connection.async_write_some(parts, nothrow);
        session_.stall.disarm();
        if (ec) {
            peer_gone();
            break;
        }
        auto taken = bytes;
        for (auto& part : parts) {
            const auto step = std::min(taken, part.size());
            part += step;
            taken -= step;
        }
    }
    if (peer_gone_ && state_ != state::upgraded) state_ = state::broken;
    co_return !peer_gone_;
}

void http_answer::peer_gone() {
    peer_gone_ = true;
    if (!listener_) return;
    // Never from inside a call of the handler's own.
    asio::post(session_.connection.get_executor(), [self = shared_from_this()] {
        if (self->retired_) return;
        const auto call = std::exchange(self->listener_, nullptr);
        if (call) call();
    });
}

void http_answer::on_peer_closed(std::function<void()> listener) {
    listener_ = std::move(listener);
    if (!listener_ || retired_ || state_ == state::upgraded) return;
    if (peer_gone_) return peer_gone();
    if (!watching_) {
        watching_ = true;
        watch();
    }
}

void http_answer::retire() {
    retired_ = true;
    listener_ = nullptr;
    next_look_.reset();
}

void http_answer::watch() {
    if (unread_input_ || session_.connection.look_at_peer() == peer_state::sent_data) {
        // The socket would be readable at once and always: what was sent ahead is not ours to take yet.
        if (!next_look_) next_look_.emplace(session_.connection.get_executor(), [this] { look(); });
        next_look_->arm(look_interval);
        return;
    }
    session_.connection.async_wait_readable([weak = weak_from_this()](const boost::system::error_code&) {
        if (const auto self = weak.lock()) self->look();
    });
}

void http_answer::look() {
    if (retired_ || peer_gone_ || state_ == state::finished || state_ == state::upgraded) return;
    auto& connection = session_.connection;
    if (connection.peer_has_closed() || connection.look_at_peer() == peer_state::closed) return peer_gone();
    watch();
}

asio::awaitable<std::unique_ptr<websocket_channel>> http_answer::accept_websocket(std::string subprotocol,
                                                                                  std::size_t message_bytes_max) {
    if (state_ != state::open) co_return nullptr;
    auto refusal = refuse_websocket(request_, subprotocol);
    if (!refusal && unread_input_) {
        refusal = error_response(400, "bad_request", "A WebSocket client must wait for the answer to its upgrade.");
    }
    if (refusal) {
        keep_alive_ = false;
        const bool sent = co_await respond(std::move(*refusal));
        std::ignore = sent;  // the caller gets no channel in any case
        co_return nullptr;
    }
    state_ = state::upgraded;
    listener_ = nullptr;
    websocket_accept_options options{.subprotocol = std::move(subprotocol),
                                     .message_bytes_max = message_bytes_max,
                                     .timeout = session_.limits.write_stall_timeout};
    auto channel = co_await accept_websocket_channel(std::move(session_.connection), std::move(session_.ticket),
                                                     request_, std::move(options));
    co_return channel;
}

}  // namespace common::net
