#include <gtest/gtest.h>

#include "tests/common/net/raw_client.hpp"
#include "tests/common/net/test_server.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using test::echo_handler;
using test::ending;
using test::raw_client;
using test::test_server;

TEST(http_session, answers_request_after_request_on_one_connection) {
    test_server server(echo_handler);
    raw_client client(server.port());
    for (int i = 0; i < 3; ++i) {
        client.send("POST /a/b?c=d&e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
        const auto response = client.read_response();
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, "POST /a/b?c=d&e hello");
        EXPECT_NE(response.field("Date"), "");
    }
}

TEST(http_session, takes_requests_in_any_pieces) {
    test_server server(echo_handler);
    raw_client client(server.port());
    const std::string request =
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for (const char c : request) client.send(std::string_view(&c, 1));
    EXPECT_EQ(client.read_response().body, "POST /x? abcde");
}

TEST(http_session, pipelined_requests_are_answered_in_order_one_at_a_time) {
    int running = 0;
    int most = 0;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        most = std::max(most, ++running);
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        http_response response;
        response.body = exchange.request().path;
        co_await exchange.respond(std::move(response));
        --running;
    });
    raw_client client(server.port());
    std::string requests;
    for (int i = 0; i < 50; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    client.send(requests);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(client.read_response().body, "/" + std::to_string(i));
    EXPECT_EQ(most, 1);
}

TEST(http_session, tells_the_handler_who_asks_and_what) {
    http_request seen;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        seen = exchange.request();
        co_await echo_handler(exchange);
    });
    raw_client client(server.port());
    client.send(
        "GET /%20p?q=%3f HTTP/1.1\r\nHost: example:80\r\nX-Two: 1\r\nx-two: 2\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 200);
    EXPECT_EQ(seen.path, "/%20p");
    EXPECT_EQ(seen.query, "q=%3f");
    EXPECT_EQ(seen.fields.find("HOST"), "example:80");
    EXPECT_EQ(seen.fields.find("X-TWO"), "1");
    EXPECT_EQ(seen.fields.count("x-two"), 2U);
    EXPECT_EQ(seen.peer_address, "127.0.0.1");
    EXPECT_NE(seen.peer_port, 0);
    EXPECT_TRUE(seen.peer_is_loopback);
    EXPECT_FALSE(seen.tls);
}

TEST(http_session, an_absolute_target_replaces_host) {
    std::string host;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        host = exchange.request().fields.find("host").value_or("");
        co_await echo_handler(exchange);
    });
    raw_client client(server.port());
    client.send("GET http://real.example/p?q HTTP/1.1\r\nHost: other\r\n\r\n");
    EXPECT_EQ(client.read_response().body, "GET /p?q ");
    EXPECT_EQ(host, "real.example");
}

TEST(http_session, trailers_are_not_taken_for_fields) {
    std::size_t count = 99;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        count = exchange.request().fields.count("authorization");
        co_await echo_handler(exchange);
    });
    raw_client client(server.port());
    client.send(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\na\r\n0\r\nAuthorization: Bearer stolen\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 200);
    EXPECT_EQ(count, 0U);
}

TEST(http_session, closes_when_asked_to) {
    test_server server(echo_handler);
    raw_client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const auto response = client.read_response();
    EXPECT_EQ(response.field("Connection"), "close");
    EXPECT_EQ(client.read_rest(), "");
    EXPECT_EQ(client.how_it_ended(), ending::closed);
}

TEST(http_session, serves_http_1_0_and_closes) {
    test_server server(echo_handler);
    raw_client client(server.port());
    client.send("GET /old HTTP/1.0\r\n\r\n");
    EXPECT_EQ(client.read_response().body, "GET /old? ");
    EXPECT_EQ(client.read_rest(), "");
}

TEST(http_session, head_has_the_length_and_no_body) {
    test_server server(echo_handler);
    raw_client client(server.port());
    client.send("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_response("HEAD").field("Content-Length"), std::to_string(std::string("HEAD /abc? ").size()));
    EXPECT_EQ(client.read_response().body, "GET /next? ");
}

TEST(http_session, statuses_without_a_body_send_none) {
    test_server server([](http_exchange& exchange) -> asio::awaitable<void> {
        http_response response{.status = 204, .fields = {}, .body = "must not be sent"};
        co_await exchange.respond(std::move(response));
    });
    raw_client client(server.port());
    const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    client.send(get + get);
    for (int i = 0; i < 2; ++i) {
        const auto response = client.read_response();
        EXPECT_EQ(response.status, 204);
        EXPECT_EQ(response.field("Content-Length"), "");
    }
}

TEST(http_session, expect_100_continue_is_answered_before_the_body) {
    test_server server(echo_handler);
    raw_client client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    EXPECT_EQ(client.read_response().body, "POST /? body");
}

TEST(http_session, a_body_that_is_too_large_is_refused_before_it_is_sent) {
    test_server server(echo_handler);
    raw_client client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 413);
}

TEST(http_session, an_exception_is_a_500_without_detail_and_is_logged) {
    test_server server([](http_exchange&) -> asio::awaitable<void> {
        throw std::runtime_error("the secret reason");
        co_return;
    });
    raw_client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.field("Content-Type"), "application/json");
    EXPECT_EQ(nlohmann::json::parse(response.body).at("error"), "internal");
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
    ASSERT_EQ(server.log().size(), 1U);
    EXPECT_NE(server.log()[0].find("the secret reason"), std::string::npos);
}

TEST(http_session, a_handler_that_gives_no_answer_is_a_500) {
    test_server server([](http_exchange&) -> asio::awaitable<void> { co_return; });
    raw_client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 500);
    EXPECT_EQ(server.log().size(), 1U);
}

TEST(http_session, a_field_with_a_line_break_never_reaches_the_client) {
    test_server server([](http_exchange& exchange) -> asio::awaitable<void> {
        http_response response;
        response.fields.add("X-Name", "a\r\nSet-Cookie: forged");
        co_await exchange.respond(std::move(response));
    });
    raw_client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.head.find("forged"), std::string::npos);
}

TEST(http_session, a_second_answer_is_refused) {
    bool second = true;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        co_await echo_handler(exchange);
        http_response again;
        second = co_await exchange.respond(std::move(again));
    });
    raw_client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_response().body, "GET /? ");
    EXPECT_EQ(client.read_response().body, "GET /2? ");
    EXPECT_FALSE(second);
}

}  // namespace
