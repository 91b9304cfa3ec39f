#include "common/net/stream.hpp"

#include <random>

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>

#include "tests/common/net/test_certificates.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using boost::system::error_code;
constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

// Two ends of one connection on one io_context.
class stream_test : public testing::Test {
protected:
    void connect() {
        asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
        asio::ip::tcp::socket a(io.get_executor());
        a.connect(acceptor.local_endpoint());
        auto b = acceptor.accept(io.get_executor());
        client.emplace(std::move(a));
        server.emplace(asio::ip::tcp::socket(std::move(b)));
    }

    // The outcome on both ends.
    std::pair<error_code, error_code> handshake(const ssl_context_ptr& trust, const std::string& host = "localhost") {
        const auto identity = server_tls_context::load(certificate.certificate_file(), certificate.key_file());
        EXPECT_TRUE(identity);
        server->accept_tls((*identity)->current());
        client->connect_tls(trust, host);
        std::pair<error_code, error_code> result;
        asio::co_spawn(io, shake(*client, result.first), asio::detached);
        asio::co_spawn(io, shake(*server, result.second), asio::detached);
        run();
        return result;
    }

    void connect_tls() {
        connect();
        const auto result = handshake(*make_client_tls_context(certificate.certificate_file()));
        ASSERT_FALSE(result.first) << result.first.message();
        ASSERT_FALSE(result.second) << result.second.message();
    }

    void run() {
        io.restart();
        io.run();
    }

    static asio::awaitable<void> shake(stream& s, error_code& out) {
        const auto [ec] = co_await s.async_handshake(nothrow);
        out = ec;
        if (ec) s.cut();
    }

    static asio::awaitable<void> send(stream& s, std::string data, std::size_t piece) {
        for (std::size_t at = 0; at < data.size(); at += piece) {
            const auto part = asio::buffer(data.data() + at, std::min(piece, data.size() - at));
            const auto [ec, n] = co_await asio::async_write(s, part, nothrow);
            EXPECT_FALSE(ec) << ec.message();
        }
    }

    static asio::awaitable<void> receive(stream& s, std::string& out, std::size_t total, std::size_t piece) {
        std::string space(piece, '\0');
        while (out.size() < total) {
            const auto [ec, n] = co_await s.async_read_some(asio::buffer(space), nothrow);
            EXPECT_FALSE(ec) << ec.message();
            if (ec) break;
            out.append(space, 0, n);
        }
    }

    static asio::awaitable<void> read_one(stream& s, error_code& out) {
        char c = 0;
        const auto [ec, n] = co_await s.async_read_some(asio::buffer(&c, 1), nothrow);
        out = ec;
    }

    static std::string noise(std::size_t size) {
        std::mt19937 random(7);
        std::string out(size, '\0');
        for (auto& c : out) c = static_cast<char>(random());
        return out;
    }

    void exchange(std::size_t size, std::size_t write_piece, std::size_t read_piece) {
        const std::string data = noise(size);
        std::string up;
        std::string down;
        asio::co_spawn(io, send(*client, data, write_piece), asio::detached);
        asio::co_spawn(io, send(*server, data, write_piece), asio::detached);
        asio::co_spawn(io, receive(*server, up, size, read_piece), asio::detached);
        asio::co_spawn(io, receive(*client, down, size, read_piece), asio::detached);
        run();
        EXPECT_TRUE(up == data);
        EXPECT_TRUE(down == data);
    }

    test::test_certificate certificate;
    asio::io_context io;
    std::optional<stream> client;
    std::optional<stream> server;
};

TEST_F(stream_test, carries_much_both_ways_at_once) {
    connect_tls();
    exchange(8 << 20, 1 << 20, 65536);
}

TEST_F(stream_test, carries_much_both_ways_without_tls) {
    connect();
    exchange(8 << 20, 1 << 20, 65536);
}

TEST_F(stream_test, carries_odd_sizes) {
    connect_tls();
    exchange(300000, 16385, 777);
    exchange(100000, 333, 16384);
}

TEST_F(stream_test, carries_single_bytes) {
    connect_tls();
    exchange(2000, 1, 1);
}

asio::awaitable<void> write_pieces(stream& s, std::vector<std::string> pieces, std::size_t& first) {
    std::vector<asio::const_buffer> buffers;
    for (const auto& p : pieces) buffers.push_back(asio::buffer(p));
    const auto [ec, n] = co_await s.async_write_some(buffers, nothrow);
    EXPECT_FALSE(ec);
    first = n;
}

TEST_F(stream_test, small_buffers_leave_as_one_record) {
    connect_tls();
    std::size_t written = 0;
    std::string got;
    const std::vector<std::string> pieces{"", "head", "", std::string(10000, 'b'), std::string(20000, 'c')};
    asio::co_spawn(io, write_pieces(*client, pieces, written), asio::detached);
    run();
    EXPECT_EQ(written, 16384U);
    asio::co_spawn(io, receive(*server, got, written, 16384), asio::detached);
    run();
    EXPECT_EQ(got, "head" + std::string(10000, 'b') + std::string(6380, 'c'));
}

TEST_F(stream_test, fills_several_buffers_from_one_record) {
    connect_tls();
    asio::co_spawn(io, send(*client, "abcdef", 6), asio::detached);
    run();
    std::array<char, 2> a{};
    std::array<char, 3> b{};
    std::size_t read = 0;
    asio::co_spawn(
        io,
        [](stream& s, std::array<asio::mutable_buffer, 2> into, std::size_t& out) -> asio::awaitable<void> {
            const auto [ec, n] = co_await s.async_read_some(into, nothrow);
            out = n;
        }(*server, {asio::buffer(a), asio::buffer(b)}, read),
        asio::detached);
    run();
    EXPECT_EQ(read, 5U);
    EXPECT_EQ(std::string(b.data(), 3), "cde");
}

TEST_F(stream_test, finish_is_seen_as_the_end) {
    connect_tls();
    error_code seen;
    error_code finished = asio::error::fault;
    asio::co_spawn(io, read_one(*server, seen), asio::detached);
    asio::co_spawn(
        io,
        [](stream& s, error_code& out) -> asio::awaitable<void> {
            const auto [ec] = co_await s.async_finish(nothrow);
            out = ec;
        }(*client, finished),
        asio::detached);
    io.restart();
    while (!seen) io.run_one();
    EXPECT_EQ(seen, asio::error::eof);
    server->cut();
    run();
    EXPECT_FALSE(finished) << finished.message();
    EXPECT_FALSE(client->is_open());
}

TEST_F(stream_test, a_connection_that_is_cut_is_truncated) {
    connect_tls();
    error_code seen;
    // The server's session tickets are read with its first byte; unread they would turn the close into a reset.
    server->write_now("x");
    asio::co_spawn(io, read_one(*client, seen), asio::detached);
    run();
    ASSERT_FALSE(seen);
    asio::co_spawn(io, read_one(*server, seen), asio::detached);
    client->cut();
    run();
    EXPECT_EQ(seen, asio::ssl::error::stream_truncated);
}

TEST_F(stream_test, a_reset_is_an_error) {
    connect_tls();
    error_code seen;
    asio::co_spawn(io, read_one(*server, seen), asio::detached);
    client->reset();
    run();
    EXPECT_EQ(seen, asio::error::connection_reset);
}

TEST_F(stream_test, cut_fails_what_is_under_way_and_what_comes_later) {
    connect_tls();
    error_code seen;
    asio::co_spawn(io, read_one(*client, seen), asio::detached);
    io.restart();
    io.poll();
    client->cut();
    run();
    EXPECT_EQ(seen, asio::error::operation_aborted);
    error_code later;
    asio::co_spawn(io, read_one(*client, later), asio::detached);
    run();
    EXPECT_EQ(later, asio::error::operation_aborted);
    client->write_now("nothing");
    EXPECT_EQ(client->look_at_peer(), peer_state::closed);
}

TEST_F(stream_test, garbage_after_the_handshake_is_an_error) {
    connect_tls();
    error_code seen;
    const std::string garbage(100, '!');
    client->socket().send(asio::buffer(garbage));
    asio::co_spawn(io, read_one(*server, seen), asio::detached);
    run();
    EXPECT_EQ(seen.category(), asio::error::get_ssl_category()) << seen.message();
}

TEST_F(stream_test, looks_at_the_peer_without_taking) {
    for (const bool tls : {false, true}) {
        if (tls) {
            connect_tls();
        } else {
            connect();
        }
        EXPECT_EQ(server->look_at_peer(), peer_state::quiet);
        EXPECT_FALSE(server->peer_has_closed());
        client->write_now("x");
        server->socket().wait(asio::ip::tcp::socket::wait_read);
        EXPECT_EQ(server->look_at_peer(), peer_state::sent_data);
        EXPECT_EQ(server->look_at_peer(), peer_state::sent_data);
        client->cut();
        while (!server->peer_has_closed()) std::this_thread::yield();
        std::string got;
        asio::co_spawn(io, receive(*server, got, 1, 10), asio::detached);
        run();
        EXPECT_EQ(got, "x");
        EXPECT_EQ(server->look_at_peer(), peer_state::closed);
    }
}

TEST_F(stream_test, reads_no_more_than_its_allowance) {
    for (const bool tls : {false, true}) {
        if (tls) {
            connect_tls();
        } else {
            connect();
        }
        client->write_now("12345");
        server->set_read_allowance(3);
        error_code seen;
        asio::co_spawn(io, read_one(*server, seen), asio::detached);
        run();
        EXPECT_FALSE(seen);
        server->set_read_allowance(0);
        asio::co_spawn(io, read_one(*server, seen), asio::detached);
        run();
        EXPECT_EQ(seen, asio::error::no_buffer_space);
    }
}

TEST_F(stream_test, refuses_a_certificate_nobody_vouches_for) {
    connect();
    const auto result = handshake(*make_client_tls_context(""));
    EXPECT_TRUE(result.first);
    EXPECT_TRUE(result.second);
    EXPECT_FALSE(client->tls_verify_failure().empty());
}

TEST_F(stream_test, refuses_a_certificate_for_another_name_or_address) {
    const auto trust = *make_client_tls_context(certificate.certificate_file());
    for (const auto& host : {"example.com", "127.0.0.2", "localhost.example.com"}) {
        connect();
        EXPECT_TRUE(handshake(trust, host).first) << host;
        EXPECT_FALSE(client->tls_verify_failure().empty()) << host;
    }
    connect();
    EXPECT_FALSE(handshake(trust, "127.0.0.1").first);
}

TEST_F(stream_test, refuses_tls_1_1) {
    connect();
    const auto old = *make_client_tls_context(certificate.certificate_file());
    SSL_CTX_set_min_proto_version(old.get(), TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
    SSL_CTX_set_security_level(old.get(), 0);
    const auto result = handshake(old);
    EXPECT_TRUE(result.first);
    EXPECT_TRUE(result.second);
}

TEST_F(stream_test, speaks_tls_1_2) {
    connect();
    const auto trust = *make_client_tls_context(certificate.certificate_file());
    SSL_CTX_set_max_proto_version(trust.get(), TLS1_2_VERSION);
    EXPECT_FALSE(handshake(trust).first);
    exchange(100000, 5000, 5000);
}

TEST_F(stream_test, both_ends_export_the_same_keying_material) {
    connect_tls();
    const auto a = client->tls_exporter("EXPORTER-codez", 32);
    EXPECT_EQ(a.size(), 32U);
    EXPECT_EQ(a, server->tls_exporter("EXPORTER-codez", 32));
    EXPECT_NE(a, server->tls_exporter("EXPORTER-other", 32));
    connect();
    EXPECT_EQ(client->tls_exporter("EXPORTER-codez", 32), "");
}

TEST_F(stream_test, a_handshake_with_something_else_fails) {
    connect();
    const auto identity = server_tls_context::load(certificate.certificate_file(), certificate.key_file());
    server->accept_tls((*identity)->current());
    client->write_now("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    error_code seen;
    asio::co_spawn(io, shake(*server, seen), asio::detached);
    run();
    EXPECT_EQ(seen.category(), asio::error::get_ssl_category()) << seen.message();
}

}  // namespace
