// A connected TCP socket, plain or with TLS, as one AsyncStream: HTTP and WebSocket are instantiated once, for both.
// TLS tries before it waits and never reads ahead of its buffer. At most one read and one write at a time; all calls on
// its executor. After an error, a cancelled operation or cut() it is dead.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/consign.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>

#include "common/net/deadline.hpp"
#include "common/net/tls_engine.hpp"

namespace common::net {

enum class peer_state { quiet, sent_data, closed };

class stream {
public:
    using executor_type = boost::asio::any_io_executor;
    using socket_type = boost::asio::ip::tcp::socket;
    using error_code = boost::system::error_code;

    explicit stream(socket_type socket);

    executor_type get_executor() noexcept { return socket_.get_executor(); }
    socket_type& socket() { return socket_; }
    bool is_open() const { return socket_.is_open(); }
    bool is_tls() const { return tls_.has_value(); }

    // async_handshake() comes next.
    void accept_tls(const ssl_context_ptr& context);
    void connect_tls(const ssl_context_ptr& context, const std::string& host);
    // As tls_engine; both empty without TLS.
    std::string tls_exporter(std::string_view label, std::size_t bytes) const;
    std::string tls_verify_failure() const;

    template <class Token>
    auto async_handshake(Token&& token);
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token);
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token);

    // Says goodbye (close_notify, FIN), then drops what comes until the peer has closed as well.
    template <class Token>
    auto async_finish(Token&& token);

    // Closes at once; what is under way fails. The peer may not have got everything that was written.
    void cut();
    // Closes with a reset: the peer cannot take what it got for complete.
    void reset();
    // One attempt, without waiting: a last word before cut(). Not while an async write is under way.
    void write_now(std::string_view text);

    // A read under way fails, and none may follow; writing and async_finish() still work. Not while something is written.
    void stop_reading();

    // Looks without taking anything; several may wait for `readable` beside a read.
    peer_state look_at_peer();
    // The kernel's view, for when unread data hides the end of the connection.
    bool peer_has_closed();
    template <class Token>
    auto async_wait_readable(Token&& token) {
        return socket_.async_wait(socket_type::wait_read, std::forward<Token>(token));
    }

    // How many more bytes may be read before reads fail with no_buffer_space: bounds what costs more to take in than it
    // carries.
    void set_read_allowance(std::uint64_t bytes) { read_allowance_ = bytes; }
    void add_read_allowance(std::uint64_t bytes) { read_allowance_ += bytes; }

private:
    struct handshake_op;
    template <class Buffers>
    struct read_op;
    template <class Buffers>
    struct write_op;
    struct finish_op;

    // With TLS: fills the buffers with what is there now.
    template <class Buffers>
    tls_step read_available(const Buffers& buffers);
    // Writes one record, made of several small buffers if need be.
    template <class Buffers>
    tls_step write_record(const Buffers& buffers);
    tls_step discard_available();
    error_code account(std::size_t bytes);

    template <class Op>
    void wait_for(tls_wait what, Op&& op) {
        const auto kind = what == tls_wait::readable ? socket_type::wait_read : socket_type::wait_write;
        socket_.async_wait(kind, std::forward<Op>(op));
    }

    socket_type socket_;
    std::optional<tls_engine> tls_;
    std::uint64_t read_allowance_ = std::numeric_limits<std::uint64_t>::max();
};

// Beast's customisation points. It tears down a WebSocket after a protocol error by itself, so the wait for the peer is
// bounded here.
void beast_close_socket(stream& s);
void teardown(boost::beast::role_type role, stream& s, boost::system::error_code& ec);
template <class Handler>
void async_teardown(boost::beast::role_type, stream& s, Handler&& handler) {
    auto limit = std::make_shared<deadline>(s.get_executor(), [&s] { s.cut(); });
    limit->arm(std::chrono::seconds(2));
    s.async_finish(boost::asio::consign(std::forward<Handler>(handler), std::move(limit)));
}

}  // namespace common::net

#include "common/net/stream_operations.hpp"
