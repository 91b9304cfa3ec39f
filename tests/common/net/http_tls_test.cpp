#include <gtest/gtest.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "common/async/event_signal.hpp"
#include "common/net/http_client.hpp"
#include "common/net/stream.hpp"
#include "tests/common/net/raw_client.hpp"
#include "tests/common/net/test_certificates.hpp"
#include "tests/common/net/test_server.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using namespace std::chrono_literals;
using test::echo_handler;
using test::raw_client;
using test::run_alone;
using test::test_server;
constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

class http_tls_test : public testing::Test {
protected:
    listener_options options() const {
        return {.tls = *server_tls_context::load(certificate.certificate_file(), certificate.key_file())};
    }

    asio::awaitable<stream> connect(std::uint16_t port) {
        asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
        const asio::ip::tcp::endpoint server(asio::ip::make_address("127.0.0.1"), port);
        co_await socket.async_connect(server, asio::use_awaitable);
        stream connection(std::move(socket));
        connection.connect_tls(*make_client_tls_context(certificate.certificate_file()), "localhost");
        co_await connection.async_handshake(asio::use_awaitable);
        co_return connection;
    }

    // Sends, then reads until `text` has come `times` times.
    static asio::awaitable<std::string> talk(stream& connection, std::string bytes, std::string text, int times = 1) {
        co_await asio::async_write(connection, asio::buffer(bytes), asio::use_awaitable);
        std::string seen;
        std::string rest;
        for (int i = 0; i < times; ++i) {
            const auto [ec, n] = co_await asio::async_read_until(connection, asio::dynamic_buffer(rest), text, nothrow);
            if (ec) co_return seen + rest;
            seen += rest.substr(0, n);
            rest.erase(0, n);
        }
        co_return seen;
    }

    test::test_certificate certificate;
};

const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_F(http_tls_test, answers_request_after_request_and_pipelined) {
    test_server server(echo_handler, options());
    const auto client = [&]() -> asio::awaitable<int> {
        auto connection = co_await connect(server.port());
        for (int i = 0; i < 3; ++i) {
            const auto seen = co_await talk(connection, get + get, "GET /? ", 2);
            EXPECT_TRUE(seen.starts_with("HTTP/1.1 200 OK\r\n")) << seen;
        }
        co_return 0;
    };
    run_alone(client());
}

TEST_F(http_tls_test, an_aborted_body_is_an_error_for_the_client) {
    for (const bool abort : {false, true}) {
        test_server server(
            [abort](http_exchange& exchange) -> asio::awaitable<void> {
                co_await exchange.start(200, {});
                co_await exchange.write(std::string(50000, 'x'));
                if (abort) {
                    exchange.abort();
                } else {
                    co_await exchange.finish();
                }
            },
            options());
        auto got = run_alone(fetch({.url = "https://localhost:" + std::to_string(server.port()) + "/",
                                    .ca_file = certificate.certificate_file()}));
        EXPECT_EQ(got.has_value(), !abort);
        if (got) {
            EXPECT_EQ(got->body, std::string(50000, 'x'));
        }
    }
}

TEST_F(http_tls_test, tells_a_waiting_handler_that_the_peer_has_closed) {
    enum class way { goodbye, cut, reset, behind_a_request };
    for (const auto how : {way::goodbye, way::cut, way::reset, way::behind_a_request}) {
        std::promise<void> gone;
        test_server server(
            [&](http_exchange& exchange) -> asio::awaitable<void> {
                common::async::event_signal left(co_await asio::this_coro::executor);
                exchange.on_peer_closed([&left] { left.notify_all(); });
                co_await exchange.start(200, {});
                co_await exchange.write("waiting");
                co_await left.wait();
                gone.set_value();
            },
            options());
        const auto client = [&]() -> asio::awaitable<int> {
            auto connection = co_await connect(server.port());
            co_await talk(connection, get, "waiting");
            if (how == way::behind_a_request) connection.write_now(get);
            if (how == way::reset) {
                connection.reset();
            } else if (how == way::goodbye) {
                // Completes when the server has closed too.
                co_await connection.async_finish(nothrow);
            } else {
                connection.cut();
            }
            co_return 0;
        };
        run_alone(client());
        gone.get_future().wait();
    }
}

TEST_F(http_tls_test, a_client_without_tls_is_cut) {
    test_server server(echo_handler, options());
    raw_client client(server.port());
    client.send(get);
    EXPECT_EQ(client.read_response().status, 0);
    client.read_rest();
    EXPECT_NE(client.how_it_ended(), test::ending::open);
}

TEST_F(http_tls_test, a_handshake_that_does_not_come_is_cut) {
    auto impatient = options();
    impatient.limits.header_timeout = 20ms;
    test_server server(echo_handler, impatient);
    raw_client client(server.port());
    client.send("\x16\x03\x01");
    EXPECT_EQ(client.read_rest(), "");
    EXPECT_NE(client.how_it_ended(), test::ending::open);
}

TEST_F(http_tls_test, half_a_request_gets_408) {
    auto impatient = options();
    impatient.limits.body_timeout = 20ms;
    test_server server(echo_handler, impatient);
    const auto client = [&]() -> asio::awaitable<std::string> {
        auto connection = co_await connect(server.port());
        const std::string half = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf";
        co_return co_await talk(connection, half, "}");
    };
    EXPECT_TRUE(run_alone(client()).starts_with("HTTP/1.1 408 "));
}

TEST_F(http_tls_test, the_handler_knows_that_it_is_tls) {
    bool tls = false;
    test_server server(
        [&](http_exchange& exchange) -> asio::awaitable<void> {
            tls = exchange.request().tls;
            co_await echo_handler(exchange);
        },
        options());
    EXPECT_TRUE(run_alone(fetch({.url = "https://localhost:" + std::to_string(server.port()) + "/",
                                 .ca_file = certificate.certificate_file()})));
    EXPECT_TRUE(tls);
}

}  // namespace
