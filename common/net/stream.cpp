#include "common/net/stream.hpp"

#include <cerrno>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace common::net {
namespace asio = boost::asio;

stream::stream(socket_type socket) : socket_(std::move(socket)) {
    // Frames and events are small and must not wait for the answer to the ones before (Nagle).
    error_code ignored;  // only a socket that is closed already refuses
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void stream::accept_tls(const ssl_context_ptr& context) {
    tls_.emplace(tls_engine::accepting(context, socket_.native_handle()));
}

void stream::connect_tls(const ssl_context_ptr& context, const std::string& host) {
    tls_.emplace(tls_engine::connecting(context, socket_.native_handle(), host));
}

std::string stream::tls_exporter(std::string_view label, std::size_t bytes) const {
    return tls_ ? tls_->exporter(label, bytes) : std::string();
}

std::string stream::tls_verify_failure() const { return tls_ ? tls_->verify_failure() : std::string(); }

void stream::cut() {
    if (tls_) tls_->detach();
    error_code ignored;  // the descriptor is released in any case
    socket_.close(ignored);
}

void stream::reset() {
    error_code ignored;  // a closed socket has nothing to reset
    socket_.set_option(socket_type::linger(true, 0), ignored);
    cut();
}

void stream::stop_reading() {
    error_code ignored;  // a closed socket has nothing to cancel
    socket_.cancel(ignored);
}

void stream::write_now(std::string_view text) {
    if (!is_open()) return;
    if (tls_) {
        std::ignore = tls_->write(text.data(), text.size());  // best effort
    } else {
        std::ignore = ::send(socket_.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

peer_state stream::look_at_peer() {
    if (!is_open()) return peer_state::closed;
    if (tls_) {
        const auto step = tls_->peek();
        if (step.ec) return peer_state::closed;
        return step.bytes != 0 ? peer_state::sent_data : peer_state::quiet;
    }
    char byte = 0;
    const auto n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0) return peer_state::sent_data;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return peer_state::quiet;
    return peer_state::closed;
}

bool stream::peer_has_closed() {
    if (!is_open()) return true;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return true;
    return info.tcpi_state != TCP_ESTABLISHED;
}

tls_step stream::discard_available() {
    tls_step step;
    std::array<char, 16384> scratch;
    const auto n = ::recv(socket_.native_handle(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))) {
        // Also after data: the next piece in a later turn, others want to run too.
        step.wait = tls_wait::readable;
    } else if (n < 0) {
        step.ec.assign(errno, boost::system::system_category());
    }
    return step;
}

stream::error_code stream::account(std::size_t bytes) {
    if (bytes > read_allowance_) return asio::error::no_buffer_space;
    if (read_allowance_ != std::numeric_limits<std::uint64_t>::max()) read_allowance_ -= bytes;
    return {};
}

void beast_close_socket(stream& s) { s.cut(); }

void teardown(boost::beast::role_type, stream& s, boost::system::error_code& ec) {
    ec = {};
    s.cut();
}

}  // namespace common::net
