// The answer to one POST, message by message, in the form that fits: one JSON body with Content-Length if all is there
// soon and small; the same body in chunks while it arrives if it is large; an event stream if the call lasts or reports
// progress and the client takes one. An event stream that is silent carries comments.
// Owned by the request's coroutine, and by its timer; lives on the exchange's executor. The functions that write answer
// false when the client has gone.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

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
    };

    response_stream(const boost::asio::any_io_executor& executor, net::http_exchange& exchange, settings settings);

    // Before the first write: a field of the answer.
    void add_field(std::string name, std::string value);

    // From now on the answer may take long.
    void expect_delay();

    // One message: any number of write(), then end(). A piece is sent at once unless it still fits the buffer of an
    // answer that has not begun.
    boost::asio::awaitable<bool> write(std::string_view piece);
    boost::asio::awaitable<bool> end();
    boost::asio::awaitable<bool> write_message(std::string_view message);

    // A message of its own ahead of the one to come. It turns an undecided answer into an event stream; where that
    // cannot be any more, or the client takes none, there is no place for it and it is left out.
    boost::asio::awaitable<bool> notify(std::string_view message);

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
    void append(std::string_view piece);

    boost::asio::any_io_executor executor_;
    net::http_exchange& exchange_;
    settings settings_;
    form form_;
    net::http_fields fields_;
    boost::asio::steady_timer timer_;
    write_turn turn_;
    std::string buffer_;              // of the body, not sent yet
    bool has_started_ = false;        // the header is on its way
    bool has_message_bytes_ = false;  // of the message that has begun: no other can come before it
    bool has_messages_ = false;       // at least one has begun: separators of a JSON array
    bool is_gone_ = false;            // the client
    bool is_closed_ = false;
};

}  // namespace common::mcp
