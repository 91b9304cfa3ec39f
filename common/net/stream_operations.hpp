// The composed operations of stream. Each tries first and waits only when the socket is not ready; a result that is
// there at once is posted, since a handler must not run inside its own initiation.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "common/net/stream.hpp"

namespace common::net {

struct stream::handshake_op {
    stream& self;
    enum { starting, waiting, done } state = starting;
    error_code result{};

    template <class Op>
    void operator()(Op& op, error_code ec = {}) {
        if (state == done) return op.complete(result);
        if (!ec && !self.is_open()) ec = boost::asio::error::operation_aborted;
        const auto step = ec ? tls_step{.bytes = 0, .wait = tls_wait::none, .ec = ec} : self.tls_->handshake();
        if (step.wait != tls_wait::none) {
            state = waiting;
            return self.wait_for(step.wait, std::move(op));
        }
        if (state == waiting) return op.complete(step.ec);
        state = done;
        result = step.ec;
        boost::asio::post(self.get_executor(), std::move(op));
    }
};

template <class Buffers>
struct stream::read_op {
    stream& self;
    Buffers buffers;
    enum { starting, waiting, reading_plain, done } state = starting;
    tls_step step{};

    template <class Op>
    void operator()(Op& op, error_code ec = {}, std::size_t bytes = 0) {
        switch (state) {
            case starting:
                if (!self.tls_) {
                    state = reading_plain;
                    return self.socket_.async_read_some(buffers, std::move(op));
                }
                break;
            case waiting:
                break;
            case reading_plain:
                if (!ec) ec = self.account(bytes);
                return op.complete(ec, bytes);
            case done:
                return op.complete(step.ec, step.bytes);
        }
        if (!ec && !self.is_open()) ec = boost::asio::error::operation_aborted;
        step = ec ? tls_step{.bytes = 0, .wait = tls_wait::none, .ec = ec} : self.read_available(buffers);
        if (step.wait != tls_wait::none) {
            state = waiting;
            return self.wait_for(step.wait, std::move(op));
        }
        if (!step.ec) step.ec = self.account(step.bytes);
        if (state == waiting) return op.complete(step.ec, step.bytes);
        state = done;
        boost::asio::post(self.get_executor(), std::move(op));
    }
};

template <class Buffers>
struct stream::write_op {
    stream& self;
    Buffers buffers;
    enum { starting, waiting, writing_plain, done } state = starting;
    tls_step step{};

    template <class Op>
    void operator()(Op& op, error_code ec = {}, std::size_t bytes = 0) {
        switch (state) {
            case starting:
                if (!self.tls_) {
                    state = writing_plain;
                    return self.socket_.async_write_some(buffers, std::move(op));
                }
                break;
            case waiting:
                break;
            case writing_plain:
                return op.complete(ec, bytes);
            case done:
                return op.complete(step.ec, step.bytes);
        }
        if (!ec && !self.is_open()) ec = boost::asio::error::operation_aborted;
        step = ec ? tls_step{.bytes = 0, .wait = tls_wait::none, .ec = ec} : self.write_record(buffers);
        if (step.wait != tls_wait::none) {
            state = waiting;
            return self.wait_for(step.wait, std::move(op));
        }
        if (state == waiting) return op.complete(step.ec, step.bytes);
        state = done;
        boost::asio::post(self.get_executor(), std::move(op));
    }
};

struct stream::finish_op {
    stream& self;
    enum { closing, draining, done } state = closing;
    error_code result{};

    template <class Op>
    void operator()(Op& op, error_code ec = {}) {
        if (state == done) return op.complete(result);
        if (!ec && !self.is_open()) ec = boost::asio::error::operation_aborted;
        if (!ec && state == closing) {
            const auto step = self.tls_ ? self.tls_->send_close_notify() : tls_step{};
            if (step.wait == tls_wait::writable) return self.wait_for(step.wait, std::move(op));
            state = draining;
            error_code ignored;  // a peer that has gone already is what we want
            self.socket_.shutdown(socket_type::shutdown_send, ignored);
        }
        if (!ec) {
            const auto step = self.discard_available();
            if (step.wait != tls_wait::none) return self.wait_for(step.wait, std::move(op));
            ec = step.ec;
        }
        self.cut();
        state = done;
        result = ec;
        boost::asio::post(self.get_executor(), std::move(op));
    }
};

template <class Buffers>
tls_step stream::read_available(const Buffers& buffers) {
    tls_step total;
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end; ++it) {
        const boost::asio::mutable_buffer piece(*it);
        if (piece.size() == 0) continue;
        // Only the first record may be waited for; the rest is taken if it is decrypted already.
        if (total.bytes != 0 && tls_->pending() == 0) break;
        const auto step = tls_->read(piece.data(), piece.size());
        if (total.bytes == 0 && (step.ec || step.wait != tls_wait::none)) return step;
        total.bytes += step.bytes;
        if (step.bytes < piece.size()) break;
    }
    return total;
}

template <class Buffers>
tls_step stream::write_record(const Buffers& buffers) {
    constexpr std::size_t record_bytes_max = 16384;  // RFC 8446 §5.1
    const auto end = boost::asio::buffer_sequence_end(buffers);
    auto it = boost::asio::buffer_sequence_begin(buffers);
    boost::asio::const_buffer first;
    while (it != end && first.size() == 0) first = boost::asio::const_buffer(*it++);
    if (first.size() == 0) return {};
    if (it == end || first.size() >= record_bytes_max) return tls_->write(first.data(), first.size());
    // A frame's head and its payload, or an HTTP head and its body: one record, one system call.
    std::array<char, record_bytes_max> record;
    std::memcpy(record.data(), first.data(), first.size());
    std::size_t used = first.size();
    for (; it != end && used < record.size(); ++it) {
        const boost::asio::const_buffer piece(*it);
        const auto part = std::min(piece.size(), record.size() - used);
        if (part != 0) std::memcpy(record.data() + used, piece.data(), part);
        used += part;
    }
    return tls_->write(record.data(), used);
}

template <class Token>
auto stream::async_handshake(Token&& token) {
    return boost::asio::async_compose<Token, void(error_code)>(handshake_op{*this}, token, socket_);
}

template <class Buffers, class Token>
auto stream::async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(read_op<Buffers>{*this, buffers}, token,
                                                                            socket_);
}

template <class Buffers, class Token>
auto stream::async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(error_code, std::size_t)>(write_op<Buffers>{*this, buffers}, token,
                                                                            socket_);
}

template <class Token>
auto stream::async_finish(Token&& token) {
    return boost::asio::async_compose<Token, void(error_code)>(finish_op{*this}, token, socket_);
}

}  // namespace common::net
