// The answer to one POST, message by message, in the form that fits: one JSON body with Content-Length if all is there
// soon and small; the same body in chunks while it arrives if it is large; an event stream if the call lasts, reports
// progress or asks, and the client takes one. An event stream that is silent carries comments.
// The stream of a client that can come back is kept: when that client goes, or is sent away, writing goes on.
// Owned by the request's coroutine, and by its timer; lives on the exchange's executor. The functions that write answer
// false when the client has gone for good.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/mcp/kept_stream.hpp"
#include "common/mcp/write_turn.hpp"
#include "common/net/http.hpp"

namespace common::mcp {

class response_stream : public std::enable_shared_from_this<response_stream> {
public:
    enum class form : std::uint8_t {
        undecided,  // JSON unless it turns out to last
        json,
        events,
    };

    struct settings {
        form initial = form::undecided;
        bool is_batch = false;  // a JSON answer is then an array; `undecided` is not for batches
        std::string request_id;
        std::chrono::milliseconds stream_after{};
        std::chrono::milliseconds comment_every{};
        std::size_t bytes_buffered_max = 0;

        // Of a stream that can be resumed; null for any other.
        std::shared_ptr<kept_stream> kept;
        std::function<std::string()> event_prefix;  // asked once, when the first id is needed
        bool is_primed = false;  // begins with an event that only has an id: before 2025-11-25 clients choked on it
        std::chrono::milliseconds resume_within{};
    };

    response_stream(const boost::asio::any_io_executor& executor, net::http_exchange& exchange, settings settings);

    // Before the first write: a field of the answer.
    void add_field(std::string name, std::string value);

    // From now on the answer may take long.
    void expect_delay();
    // `on_lost` is called once when the client has gone and cannot come back, or does not. Empty: nobody listens any more.
    void watch_peer(std::function<void()> on_lost);

    // One message: any number of write(), then end(). A piece is sent at once unless it still fits the buffer of an
    // answer that has not begun.
    boost::asio::awaitable<bool> write(std::string_view piece);
    boost::asio::awaitable<bool> end();
    boost::asio::awaitable<bool> write_message(std::string_view message);
    // An error in place of the message: with that status where nothing has been sent, else as any message.
    boost::asio::awaitable<bool> write_error(int status, std::string_view message, net::http_fields more = {});

    // A message of its own ahead of the one to come. It turns an undecided answer into an event stream; where that
    // cannot be any more, or the client takes none, there is no place for it and it is left out.
    boost::asio::awaitable<bool> notify(std::string_view message);
    bool can_notify() const { return form_ != form::json && !has_message_bytes_ && !is_closed_; }

    // Sends the client away, to come back for the rest. Nothing happens where it could not.
    boost::asio::awaitable<void> pause(std::chrono::milliseconds retry);

    // Exactly one of them ends the answer; the exchange is not touched afterwards.
    boost::asio::awaitable<void> finish();
    boost::asio::awaitable<void> abort();

    // For unwinding, where nothing can be awaited: no later comment will touch the exchange. Harmless after finish().
    void abandon();

private:
    void arm(std::chrono::milliseconds delay);
    static boost::asio::awaitable<void> tick(std::shared_ptr<response_stream> self);
    boost::asio::awaitable<void> on_tick();
    boost::asio::awaitable<bool> start();
    boost::asio::awaitable<bool> send(std::string_view piece);
    boost::asio::awaitable<bool> flush();
    std::string next_event_id(std::size_t number);
    void begin_event();
    void end_event();
    void append(std::string_view piece);
    void lose_peer();
    void give_up();
    bool can_return() const;
    bool is_alive() const { return !is_closed_ && (!is_gone_ || (can_return() && !is_given_up_)); }

    boost::asio::any_io_executor executor_;
    net::http_exchange& exchange_;
    settings settings_;
    form form_;
    net::http_fields fields_;
    boost::asio::steady_timer timer_;
    write_turn turn_;
    std::function<void()> on_lost_;
    std::string event_prefix_;
    std::string buffer_;  // of the body, not sent yet
    int status_ = 200;
    bool has_started_ = false;        // the header is on its way
    bool has_message_bytes_ = false;  // of the message that has begun: no other can come before it
    bool has_messages_ = false;       // at least one has begun: separators of a JSON array
    bool has_ids_ = false;            // the client knows where to come back to
    bool is_gone_ = false;            // the client
    bool is_released_ = false;        // the exchange: its answer is over, the request is not
    bool is_given_up_ = false;        // the client has not come back
    bool is_closed_ = false;
};

}  // namespace common::mcp
