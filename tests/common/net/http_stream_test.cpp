#include <gtest/gtest.h>

#include "common/async/event_signal.hpp"
#include "tests/common/net/raw_client.hpp"
#include "tests/common/net/test_server.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using namespace std::chrono_literals;
using common::async::event_signal;
using test::echo_handler;
using test::ending;
using test::raw_client;
using test::test_server;

const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

asio::awaitable<void> stream_three(http_exchange& exchange) {
    http_fields fields{{"Content-Type", "text/event-stream"}};
    co_await exchange.start(200, std::move(fields));
    co_await exchange.write("one");
    co_await exchange.write("");
    co_await exchange.write(std::string(100000, 'x'));
    co_await exchange.finish();
}

TEST(http_stream, a_body_of_unknown_length_is_chunked_and_the_connection_goes_on) {
    test_server server(stream_three);
    raw_client client(server.port());
    for (int i = 0; i < 2; ++i) {
        client.send(get);
        const auto response = client.read_response();
        EXPECT_EQ(response.field("Content-Type"), "text/event-stream");
        EXPECT_TRUE(response.complete);
        EXPECT_EQ(response.body, "one" + std::string(100000, 'x'));
    }
}

TEST(http_stream, each_piece_is_flushed) {
    test_server server([](http_exchange& exchange) -> asio::awaitable<void> {
        co_await exchange.start(200, {});
        co_await exchange.write("first");
        event_signal gone(co_await asio::this_coro::executor);
        exchange.on_peer_closed([&gone] { gone.notify_all(); });
        co_await gone.wait();
    });
    raw_client client(server.port());
    client.send(get);
    EXPECT_NE(client.read_until("5\r\nfirst\r\n").find("200 OK"), std::string::npos);
}

TEST(http_stream, http_1_0_gets_it_until_the_connection_closes) {
    test_server server(stream_three);
    raw_client client(server.port());
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const auto head = client.read_until("\r\n\r\n");
    EXPECT_EQ(head.find("chunked"), std::string::npos);
    EXPECT_EQ(client.read_rest(), "one" + std::string(100000, 'x'));
    EXPECT_EQ(client.how_it_ended(), ending::closed);
}

TEST(http_stream, head_gets_no_body) {
    test_server server(stream_three);
    raw_client client(server.port());
    client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get);
    EXPECT_EQ(client.read_response("HEAD").status, 200);
    EXPECT_TRUE(client.read_response().complete);
}

TEST(http_stream, an_aborted_body_looks_broken) {
    test_server server([](http_exchange& exchange) -> asio::awaitable<void> {
        co_await exchange.start(200, {});
        co_await exchange.write("half of it");
        exchange.abort();
        EXPECT_FALSE(co_await exchange.write("more"));
        EXPECT_FALSE(co_await exchange.finish());
    });
    for (const auto& request : {get, std::string("GET / HTTP/1.0\r\n\r\n")}) {
        raw_client client(server.port());
        client.send(request);
        EXPECT_FALSE(client.read_response().complete);
        client.read_rest();
        EXPECT_EQ(client.how_it_ended(), ending::reset);
    }
}

TEST(http_stream, a_handler_that_leaves_in_the_middle_breaks_the_body) {
    for (const bool throws : {false, true}) {
        test_server server([throws](http_exchange& exchange) -> asio::awaitable<void> {
            co_await exchange.start(200, {});
            co_await exchange.write("half of it");
            if (throws) throw std::runtime_error("lost");
        });
        raw_client client(server.port());
        client.send(get);
        EXPECT_FALSE(client.read_response().complete);
        server.wait_for_log(1);
    }
}

// A handler that waits until its peer leaves, and says so.
class waiting_handler {
public:
    http_handler handler() {
        return [this](http_exchange& exchange) -> asio::awaitable<void> { return wait(exchange); };
    }
    void wait_until_running() { running_.get_future().wait(); }
    void wait_until_gone() { gone_.get_future().wait(); }

private:
    asio::awaitable<void> wait(http_exchange& exchange) {
        if (exchange.request().path != "/") co_return co_await echo_handler(exchange);
        event_signal left(co_await asio::this_coro::executor);
        exchange.on_peer_closed([&left] { left.notify_all(); });
        running_.set_value();
        co_await left.wait();
        http_response late;
        EXPECT_FALSE(co_await exchange.respond(std::move(late)));
        gone_.set_value();
    }
    std::promise<void> running_;
    std::promise<void> gone_;
};

TEST(http_stream, tells_a_waiting_handler_that_the_peer_has_closed) {
    waiting_handler waiting;
    test_server server(waiting.handler());
    raw_client client(server.port());
    client.send(get);
    waiting.wait_until_running();
    client.close();
    waiting.wait_until_gone();
}

TEST(http_stream, tells_a_waiting_handler_that_the_peer_has_reset) {
    waiting_handler waiting;
    test_server server(waiting.handler());
    raw_client client(server.port());
    client.send(get);
    waiting.wait_until_running();
    client.reset();
    waiting.wait_until_gone();
}

TEST(http_stream, notices_the_end_behind_a_pipelined_request) {
    waiting_handler waiting;
    test_server server(waiting.handler());
    raw_client client(server.port());
    client.send(get + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    waiting.wait_until_running();
    client.close();
    waiting.wait_until_gone();
}

TEST(http_stream, notices_the_end_behind_a_request_that_came_later) {
    waiting_handler waiting;
    test_server server(waiting.handler());
    raw_client client(server.port());
    client.send(get);
    waiting.wait_until_running();
    client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    client.reset();
    waiting.wait_until_gone();
}

TEST(http_stream, watching_does_not_eat_the_next_request) {
    int told = 0;
    event_signal* release = nullptr;
    std::promise<void> running;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        if (exchange.request().path == "/wait") {
            event_signal signal(co_await asio::this_coro::executor);
            release = &signal;
            exchange.on_peer_closed([&told] { ++told; });
            running.set_value();
            co_await signal.wait();
        }
        co_await echo_handler(exchange);
    });
    raw_client client(server.port());
    client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    running.get_future().wait();
    client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    raw_client(server.port()).send(get);
    server.run([](event_signal** signal) -> asio::awaitable<int> {
        (*signal)->notify_all();
        co_return 0;
    }(&release));
    EXPECT_EQ(client.read_response().body, "GET /wait? ");
    EXPECT_EQ(client.read_response().body, "GET /1? ");
    client.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_response().body, "GET /2? ");
    EXPECT_EQ(told, 0);
}

TEST(http_stream, a_removed_listener_is_not_called) {
    int told = 0;
    std::promise<void> removed;
    std::promise<void> ended;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        exchange.on_peer_closed([&told] { ++told; });
        exchange.on_peer_closed({});
        removed.set_value();
        co_await exchange.start(200, {});
        const std::string piece(100000, 'x');
        while (co_await exchange.write(piece)) {
        }
        ended.set_value();
    });
    raw_client client(server.port());
    client.send(get);
    removed.get_future().wait();
    client.reset();
    ended.get_future().wait();
    EXPECT_EQ(told, 0);
}

}  // namespace
