// Bodies that the handler reads itself: piece by piece, as slowly as it likes, bounded all the same.
#include <atomic>

#include <gtest/gtest.h>

#include "tests/common/net/raw_client.hpp"
#include "tests/common/net/test_server.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using test::echo_handler;
using test::raw_client;
using test::test_server;

constexpr std::size_t limit = 1 << 20;

listener_options options() {
    listener_options out;
    out.leaves_body = [](const http_request& head) { return head.method == "PUT"; };
    out.limits.streamed_body_bytes_max = limit;
    out.limits.body_bytes_max = 1000;
    return out;
}

// Answers with the number of bytes that came, or with what reading them said.
asio::awaitable<void> counting_handler(http_exchange& exchange) {
    EXPECT_EQ(exchange.request().body, "");
    std::size_t bytes = 0;
    for (;;) {
        auto piece = co_await exchange.read_body();
        if (!piece && piece.error().status == 0) co_return;
        if (!piece) {
            co_await exchange.respond(std::move(piece.error()));
            co_return;
        }
        if (piece->empty()) break;
        EXPECT_LE(piece->size(), 256U << 10);
        bytes += piece->size();
    }
    http_response response;
    response.body = std::to_string(bytes);
    co_await exchange.respond(std::move(response));
}

std::string put(const std::string& fields, const std::string& body) {
    return "PUT /x HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + body;
}

std::string length_of(std::size_t bytes) { return "Content-Length: " + std::to_string(bytes) + "\r\n"; }

TEST(http_body, comes_in_pieces_beyond_what_is_held) {
    test_server server(counting_handler, options());
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{5000}, limit}) {
        raw_client client(server.port());
        client.send(put(length_of(bytes), std::string(bytes, 'b')));
        const auto response = client.read_response();
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, std::to_string(bytes));
        EXPECT_EQ(response.field("Connection"), "close");
    }
}

TEST(http_body, may_be_chunked_or_absent) {
    test_server server(counting_handler, options());
    raw_client chunked(server.port());
    chunked.send(put("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
    EXPECT_EQ(chunked.read_response().body, "5");
    raw_client empty(server.port());
    for (int i = 0; i < 2; ++i) {
        empty.send(put("", ""));
        EXPECT_EQ(empty.read_response().body, "0") << "such a connection goes on";
    }
}

TEST(http_body, is_refused_beyond_its_limit) {
    test_server server(counting_handler, options());
    raw_client announced(server.port());
    announced.send(put(length_of(limit + 1), "x"));
    EXPECT_EQ(announced.read_response().status, 413);
    raw_client chunked(server.port());
    chunked.send(put("Transfer-Encoding: chunked\r\n", "FFFFF\r\n" + std::string(0xFFFFF, 'x') + "\r\n10\r\n"));
    EXPECT_EQ(chunked.read_response().status, 413);
    EXPECT_TRUE(server.log().empty());
}

TEST(http_body, of_other_requests_is_read_as_ever) {
    test_server server(echo_handler, options());
    raw_client client(server.port());
    for (int i = 0; i < 2; ++i) {
        client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
        EXPECT_EQ(client.read_response().body, "POST /x? hello");
    }
    client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 413);
}

TEST(http_body, that_is_cut_off_is_told_to_the_handler) {
    std::promise<int> status;
    test_server server(
        [&](http_exchange& exchange) -> asio::awaitable<void> {
            for (;;) {
                auto piece = co_await exchange.read_body();
                if (piece && !piece->empty()) continue;
                status.set_value(piece ? 200 : piece.error().status);
                co_return;
            }
        },
        options());
    {
        raw_client client(server.port());
        client.send(put(length_of(100), "only half"));
    }
    EXPECT_EQ(status.get_future().get(), 0);
    server.wait_for_connections(0);
    EXPECT_TRUE(server.log().empty()) << "a client that leaves is nobody's fault";
}

TEST(http_body, that_stops_coming_is_given_up) {
    auto impatient = options();
    impatient.limits.body_timeout = std::chrono::milliseconds(50);
    test_server server(counting_handler, impatient);
    raw_client client(server.port());
    client.send(put(length_of(100), "only half"));
    EXPECT_EQ(client.read_response().status, 408);
    server.wait_for_connections(0);
}

TEST(http_body, need_not_be_awaited_to_be_answered) {
    test_server server(
        [](http_exchange& exchange) -> asio::awaitable<void> {
            std::ignore = co_await exchange.read_body();
            asio::post(co_await asio::this_coro::executor, [&] { exchange.stop_reading(); });
            for (int i = 0; i < 2; ++i) {
                const auto piece = co_await exchange.read_body();
                EXPECT_FALSE(piece);
                if (!piece) EXPECT_EQ(piece.error().status, 0);
            }
            co_await exchange.respond({503, {}, "lost"});
        },
        options());
    raw_client client(server.port());
    client.send(put(length_of(100), "only half"));
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.field("Connection"), "close");
    server.wait_for_connections(0);
}

TEST(http_body, a_refusal_needs_no_body) {
    test_server server(
        [](http_exchange& exchange) -> asio::awaitable<void> { co_await exchange.respond({401, {}, "no"}); },
        options());
    raw_client client(server.port());
    client.send(put(length_of(limit) + "Expect: 100-continue\r\n", ""));
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(response.field("Connection"), "close");
}

TEST(http_body, whoever_expects_it_is_told_to_go_on) {
    test_server server(counting_handler, options());
    raw_client client(server.port());
    client.send(put(length_of(3) + "Expect: 100-continue\r\n", ""));
    EXPECT_EQ(client.read_response().status, 100);
    client.send("abc");
    EXPECT_EQ(client.read_response().body, "3");
}

}  // namespace
