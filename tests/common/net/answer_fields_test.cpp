// The fields that a listener adds to every answer, its own included.
#include <gtest/gtest.h>

#include "common/net/websocket_channel.hpp"
#include "tests/common/net/raw_client.hpp"
#include "tests/common/net/test_server.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using namespace std::chrono_literals;
using test::raw_client;
using test::test_server;

listener_options naming_the_path() {
    listener_options options;
    options.limits.body_bytes_max = 10;
    options.answer_fields = [](const http_request& head) {
        EXPECT_TRUE(head.peer_is_loopback);
        EXPECT_EQ(head.body, "");
        return head.path == "/none" ? http_fields{} : http_fields{{"X-Added", head.path}};
    };
    return options;
}

asio::awaitable<void> by_path(http_exchange& exchange) {
    const std::string& path = exchange.request().path;
    if (path == "/throws") throw std::runtime_error("a bug");
    if (path == "/streams") {
        EXPECT_TRUE(co_await exchange.start(200, {{"X-Own", "1"}}));
        EXPECT_TRUE(co_await exchange.write("piece"));
        EXPECT_TRUE(co_await exchange.finish());
        co_return;
    }
    if (path == "/upgrades") {
        EXPECT_FALSE(co_await exchange.accept_websocket("x", 1));
        co_return;
    }
    EXPECT_TRUE(co_await exchange.respond({404, {{"X-Own", "1"}}, {}}));
}

TEST(answer_fields, are_on_whatever_a_handler_answers) {
    test_server server(by_path, naming_the_path());
    raw_client client(server.port());
    for (const char* path : {"/a", "/streams", "/b"}) {
        client.send(std::string("GET ") + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
        const auto answer = client.read_response();
        EXPECT_EQ(answer.field("X-Added"), path);
        EXPECT_EQ(answer.field("X-Own"), "1");
    }
    client.send("GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_response().field("X-Added"), "") << "nothing stays from the request before";
    client.send("GET /upgrades HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto refused = client.read_response();
    EXPECT_EQ(refused.status, 426);
    EXPECT_EQ(refused.field("X-Added"), "/upgrades");
}

TEST(answer_fields, are_on_what_the_listener_answers_itself) {
    test_server server(by_path, naming_the_path());
    const auto ask = [&](const std::string& request) {
        raw_client client(server.port());
        client.send(request);
        return client.read_response();
    };
    const auto bug = ask("GET /throws HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(bug.status, 500);
    EXPECT_EQ(bug.field("X-Added"), "/throws");
    const auto large = ask("POST /large HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" +
                           std::string(255, 'x') + "\r\n0\r\n\r\n");
    EXPECT_EQ(large.status, 413);
    EXPECT_EQ(large.field("X-Added"), "/large");
    const auto announced = ask("POST /huge HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
    EXPECT_EQ(announced.status, 413);
    EXPECT_EQ(announced.field("X-Added"), "/huge");
    EXPECT_EQ(ask("no request\r\n\r\n").field("X-Added"), "") << "there is no head to go by";
}

TEST(answer_fields, are_on_the_answer_to_a_body_that_does_not_come) {
    auto options = naming_the_path();
    options.limits.body_timeout = 20ms;
    test_server server(by_path, options);
    raw_client client(server.port());
    client.send("POST /late HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    const auto answer = client.read_response();
    EXPECT_EQ(answer.status, 408);
    EXPECT_EQ(answer.field("X-Added"), "/late");
}

}  // namespace
