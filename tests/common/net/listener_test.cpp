#include "common/net/listener.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/async/event_signal.hpp"
#include "common/net/websocket_channel.hpp"
#include "tests/common/net/raw_client.hpp"
#include "tests/common/net/test_server.hpp"
#include "tests/common/net/websocket_frames.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using namespace std::chrono_literals;
using test::echo_handler;
using test::ending;
using test::raw_client;
using test::test_server;

const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(listener, says_why_it_cannot_listen) {
    asio::io_context io;
    auto bad = listener::open(io.get_executor(), {.address = "localhost"}, echo_handler, {});
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().message, "\"localhost\" is not an IP address to listen on.");
    auto first = listener::open(io.get_executor(), {}, echo_handler, {});
    ASSERT_TRUE(first);
    auto taken = listener::open(io.get_executor(), {.port = (*first)->port()}, echo_handler, {});
    ASSERT_FALSE(taken);
    EXPECT_NE(taken.error().message.find("Address already in use"), std::string::npos) << taken.error().message;
}

TEST(listener, listens_on_ipv6) {
    asio::io_context io;
    auto opened = listener::open(io.get_executor(), {.address = "::1"}, echo_handler, {});
    if (!opened) {
        EXPECT_NE(opened.error().message.find("::1"), std::string::npos);  // a machine without IPv6
        return;
    }
    EXPECT_EQ((*opened)->address(), "::1");
    EXPECT_NE((*opened)->port(), 0);
}

TEST(listener, stop_closes_idle_connections_and_accepts_no_more) {
    test_server server(echo_handler);
    raw_client client(server.port());
    client.send(get);
    EXPECT_EQ(client.read_response().status, 200);
    EXPECT_TRUE(server.stop(1h));
    EXPECT_EQ(client.read_rest(), "");
    EXPECT_EQ(client.how_it_ended(), ending::closed);
}

// A handler that waits until it is told to answer.
class gate {
public:
    http_handler handler() {
        return [this](http_exchange& exchange) -> asio::awaitable<void> { return pass(exchange); };
    }
    void wait_until_running() { running_.get_future().wait(); }
    void open(test_server& server) { server.run(notify()); }

private:
    asio::awaitable<void> pass(http_exchange& exchange) {
        common::async::event_signal signal(co_await asio::this_coro::executor);
        opened_ = &signal;
        exchange.on_peer_closed([&signal] { signal.notify_all(); });
        running_.set_value();
        co_await signal.wait();
        co_await echo_handler(exchange);
    }
    asio::awaitable<int> notify() {
        opened_->notify_all();
        co_return 0;
    }
    common::async::event_signal* opened_ = nullptr;
    std::promise<void> running_;
};

TEST(listener, stop_lets_an_exchange_finish) {
    gate handler;
    test_server server(handler.handler());
    raw_client client(server.port());
    client.send(get);
    handler.wait_until_running();
    auto stopped = std::async(std::launch::async, [&] { return server.stop(1h); });
    raw_client late_probe(server.port());
    late_probe.read_rest();  // closed or refused: the listener has stopped accepting
    handler.open(server);
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.field("Connection"), "close");
    client.close();
    EXPECT_TRUE(stopped.get());
}

TEST(listener, stop_cuts_what_does_not_end) {
    gate handler;
    test_server server(handler.handler());
    raw_client client(server.port());
    client.send(get);
    handler.wait_until_running();
    EXPECT_FALSE(server.stop(1ms));
    EXPECT_EQ(client.read_response().status, 0);
}

asio::awaitable<void> stay(http_exchange& exchange, int& waiting) {
    common::async::event_signal never(co_await asio::this_coro::executor);
    if (exchange.request().path == "/link") {
        const auto channel = co_await exchange.accept_websocket("p", 1000);
        ++waiting;
        for (int i = 0; i < 100; ++i) channel->send(std::string(100000, 'x'));
        const auto message = co_await channel->read();
    } else {
        exchange.on_peer_closed([&never] { never.notify_all(); });
        co_await exchange.start(200, {});
        ++waiting;
        if (exchange.request().path == "/write") co_await exchange.write(std::string(50000000, 'x'));
        co_await never.wait();
    }
}

TEST(listener, its_context_may_end_with_everything_open) {
    asio::io_context io;
    int waiting = 0;
    const auto handler = [&waiting](http_exchange& exchange) { return stay(exchange, waiting); };
    auto opened = listener::open(io.get_executor(), {}, handler, {});
    ASSERT_TRUE(opened);
    const auto port = (*opened)->port();
    raw_client idle(port);
    raw_client streaming(port);
    raw_client writing(port);
    raw_client upgraded(port);
    streaming.send(get);
    writing.send("GET /write HTTP/1.1\r\nHost: h\r\n\r\n");
    upgraded.send(test::upgrade_request("p"));
    while (waiting < 3) io.run_one();
    io.poll();
    opened->reset();
}

TEST(listener, running_out_of_descriptors_is_logged_and_passes) {
    test_server server(echo_handler);
    raw_client early(server.port());
    early.send(get);
    EXPECT_EQ(early.read_response().status, 200);

    // The client's descriptor is the last one: the server finds none for the other end.
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    std::optional<raw_client> client;
    const int next = ::open("/dev/null", O_RDONLY);
    ::close(next);
    const rlimit low{.rlim_cur = static_cast<rlim_t>(next) + 1, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    client.emplace(server.port());
    server.wait_for_log(1);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);

    client->send(get);
    EXPECT_EQ(client->read_response().status, 200);
    EXPECT_NE(server.log()[0].find("Too many open files"), std::string::npos);
    EXPECT_LT(server.log().size(), 100U) << "it span";
}

}  // namespace
