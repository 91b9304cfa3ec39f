#include "common/net/websocket_client.hpp"

#include <gtest/gtest.h>

#include "common/async/event_signal.hpp"
#include "tests/common/net/raw_client.hpp"
#include "tests/common/net/test_certificates.hpp"
#include "tests/common/net/test_server.hpp"
#include "tests/common/net/websocket_frames.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using namespace std::chrono_literals;
using test::ending;
using test::raw_client;
using test::run_alone;
using test::test_certificate;
using test::test_server;

constexpr std::size_t message_max = 100000;

// What the server saw at the end of its channel.
class echo_endpoint {
public:
    http_handler handler() {
        return [this](http_exchange& exchange) -> asio::awaitable<void> { return serve(exchange); };
    }
    websocket_closed closed() { return closed_.get_future().get(); }
    std::string exporter;

private:
    asio::awaitable<void> serve(http_exchange& exchange) {
        auto channel = co_await exchange.accept_websocket("codez.test", message_max);
        if (!channel) co_return;
        exporter = channel->tls_exporter("EXPORTER-test");
        for (;;) {
            auto message = co_await channel->read();
            if (!message) {
                closed_.set_value(message.error());
                const auto again = co_await channel->read();
                EXPECT_EQ(again.error().code, message.error().code);
                co_return;
            }
            channel->send(std::move(*message));
            co_await channel->drained_below(1 << 20);
        }
    }
    std::promise<websocket_closed> closed_;
};

websocket_client_options to(const test_server& server, const std::string& ca_file = {}) {
    return {.url = (ca_file.empty() ? "ws://127.0.0.1:" : "wss://localhost:") + std::to_string(server.port()) + "/link",
            .subprotocol = "codez.test",
            .ca_file = ca_file,
            .message_bytes_max = message_max};
}

asio::awaitable<std::unique_ptr<websocket_channel>> dial(websocket_client_options options) {
    auto channel = co_await connect_websocket(std::move(options));
    if (!channel) throw std::runtime_error(channel.error().message);
    co_return std::move(*channel);
}

asio::awaitable<std::vector<std::string>> echo(websocket_client_options options, std::vector<std::string> messages,
                                               std::string& exporter) {
    auto channel = co_await dial(std::move(options));
    exporter = channel->tls_exporter("EXPORTER-test");
    for (const auto& message : messages) channel->send(message);
    std::vector<std::string> back;
    while (back.size() < messages.size()) {
        auto message = co_await channel->read();
        if (!message) throw std::runtime_error(message.error().reason);
        back.push_back(std::move(*message));
    }
    EXPECT_EQ(channel->queued_bytes(), 0U);
    channel->close(1000, "enough");
    channel->close(1001, "only the first counts");
    const auto end = co_await channel->read();
    EXPECT_EQ(end.error().code, 1000);
    co_return back;
}

const std::vector<std::string> messages{"", "a", std::string(message_max, 'm'), std::string("\0\xff", 2)};

TEST(websocket, echoes_over_plain_tcp) {
    echo_endpoint endpoint;
    test_server server(endpoint.handler());
    std::string exporter;
    EXPECT_EQ(run_alone(echo(to(server), messages, exporter)), messages);
    const auto closed = endpoint.closed();
    EXPECT_EQ(closed.code, 1000);
    EXPECT_EQ(closed.reason, "enough");
    EXPECT_EQ(exporter, "");
    server.wait_for_connections(0);
}

TEST(websocket, echoes_over_tls_bound_to_the_session) {
    const test_certificate certificate;
    auto identity = server_tls_context::load(certificate.certificate_file(), certificate.key_file());
    echo_endpoint endpoint;
    test_server server(endpoint.handler(), {.tls = *identity});
    std::string exporter;
    EXPECT_EQ(run_alone(echo(to(server, certificate.certificate_file()), messages, exporter)), messages);
    EXPECT_EQ(endpoint.closed().code, 1000);
    EXPECT_EQ(exporter.size(), 32U);
    EXPECT_EQ(exporter, endpoint.exporter);
    server.wait_for_connections(0);
}

TEST(websocket, keeps_the_order_of_a_thousand_messages) {
    echo_endpoint endpoint;
    test_server server(endpoint.handler());
    std::vector<std::string> many;
    for (int i = 0; i < 1000; ++i) many.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i), '.'));
    std::string exporter;
    EXPECT_EQ(run_alone(echo(to(server), many, exporter)), many);
}

asio::awaitable<int> leave(websocket_client_options options) {
    const auto channel = co_await dial(std::move(options));
    co_return 0;
}

TEST(websocket, a_channel_that_is_dropped_ends_the_connection) {
    echo_endpoint endpoint;
    test_server server(endpoint.handler());
    run_alone(leave(to(server)));
    EXPECT_EQ(endpoint.closed().code, 1006);
}

asio::awaitable<int> send_and_leave(websocket_client_options options) {
    auto channel = co_await dial(std::move(options));
    for (int i = 0; i < 10; ++i) channel->send(std::string(message_max, 'x'));
    channel->close(1001, std::string(200, 'r'));
    channel->send("not sent any more");
    co_return 0;
}

TEST(websocket, close_sends_what_is_queued_first_even_if_the_channel_is_dropped) {
    std::size_t count = 0;
    std::promise<websocket_closed> closed;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        auto channel = co_await exchange.accept_websocket("codez.test", message_max);
        for (;;) {
            auto message = co_await channel->read();
            if (!message) co_return closed.set_value(message.error());
            ++count;
        }
    });
    run_alone(send_and_leave(to(server)));
    const auto end = closed.get_future().get();
    EXPECT_EQ(count, 10U);
    EXPECT_EQ(end.code, 1001);
    EXPECT_EQ(end.reason, std::string(123, 'r'));
}

asio::awaitable<websocket_closed> send_one(websocket_client_options options, std::string message) {
    auto channel = co_await dial(std::move(options));
    channel->send(std::move(message));
    auto answer = co_await channel->read();
    EXPECT_FALSE(answer);
    co_return answer.error();
}

TEST(websocket, a_message_over_the_limit_closes_with_1009) {
    echo_endpoint endpoint;
    test_server server(endpoint.handler());
    EXPECT_EQ(run_alone(send_one(to(server), std::string(message_max + 1, 'x'))).code, 1009);
    EXPECT_EQ(endpoint.closed().code, 1009);
}

TEST(websocket, back_pressure_shows_in_the_queue) {
    common::async::event_signal* go = nullptr;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        common::async::event_signal wait(co_await asio::this_coro::executor);
        go = &wait;
        auto channel = co_await exchange.accept_websocket("codez.test", message_max);
        co_await wait.wait();
        while (co_await channel->read()) {
        }
    });
    const auto drain = [&](websocket_client_options options) -> asio::awaitable<int> {
        auto channel = co_await dial(std::move(options));
        for (int i = 0; i < 300; ++i) channel->send(std::string(message_max, 'x'));
        EXPECT_EQ(channel->queued_bytes(), 300 * message_max);
        server.run([](common::async::event_signal* signal) -> asio::awaitable<int> {
            signal->notify_all();
            co_return 0;
        }(go));
        co_await channel->drained_below(10 * message_max);
        EXPECT_LT(channel->queued_bytes(), 10 * message_max);
        co_return 0;
    };
    run_alone(drain(to(server)));
}

asio::awaitable<connect_error> fail_to_dial(websocket_client_options options) {
    auto channel = co_await connect_websocket(std::move(options));
    EXPECT_FALSE(channel);
    co_return channel ? connect_error{} : channel.error();
}

TEST(websocket, another_subprotocol_is_refused) {
    echo_endpoint endpoint;
    test_server server(endpoint.handler());
    auto options = to(server);
    options.subprotocol = "codez.other";
    const auto error = run_alone(fail_to_dial(options));
    EXPECT_EQ(error.kind, connect_failure::http_status);
    EXPECT_EQ(error.status, 400);
}

TEST(websocket, an_answer_that_is_no_upgrade_is_told_with_its_status) {
    test_server server([](http_exchange& exchange) -> asio::awaitable<void> {
        http_response response{.status = 401, .fields = {}, .body = "no"};
        co_await exchange.respond(std::move(response));
    });
    const auto error = run_alone(fail_to_dial(to(server)));
    EXPECT_EQ(error.kind, connect_failure::http_status);
    EXPECT_EQ(error.status, 401);
    EXPECT_NE(error.message.find("401"), std::string::npos);
}

// --- What a hostile client may send. ---

class raw_websocket_test : public testing::Test {
protected:
    bool upgrade() {
        client.send(test::upgrade_request("codez.test"));
        return client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 ");
    }
    echo_endpoint endpoint;
    test_server server{endpoint.handler()};
    raw_client client{server.port()};
};

TEST_F(raw_websocket_test, text_closes_with_1003) {
    ASSERT_TRUE(upgrade());
    client.send(test::frame(test::opcode::text, "hello"));
    EXPECT_EQ(test::close_code(client.read_bytes(4)), 1003);
    client.close();
    EXPECT_EQ(endpoint.closed().code, 1003);
}

TEST_F(raw_websocket_test, fragments_are_joined_and_echoed_whole) {
    ASSERT_TRUE(upgrade());
    client.send(test::frame(test::opcode::binary, "ab", false) + test::frame(test::opcode::ping, "p") +
                test::frame(test::opcode::continuation, "", false) + test::frame(test::opcode::continuation, "c"));
    EXPECT_EQ(client.read_bytes(3), "\x8a\x01p");
    EXPECT_EQ(client.read_bytes(5),
              "\x82\x03"
              "abc");
}

TEST_F(raw_websocket_test, a_flood_of_empty_fragments_is_cut) {
    ASSERT_TRUE(upgrade());
    client.send(test::frame(test::opcode::binary, "", false));
    const std::string empty = test::frame(test::opcode::continuation, "", false);
    std::string many;
    for (int i = 0; i < 1000; ++i) many += empty;
    while (client.send(many)) {
    }
    EXPECT_EQ(endpoint.closed().code, 1008);
}

TEST_F(raw_websocket_test, a_flood_of_pings_is_cut) {
    ASSERT_TRUE(upgrade());
    std::string many;
    for (int i = 0; i < 1000; ++i) many += test::frame(test::opcode::ping, "x");
    while (client.send(many)) {
    }
    EXPECT_EQ(endpoint.closed().code, 1008);
}

TEST_F(raw_websocket_test, a_message_announced_over_the_limit_closes_with_1009) {
    ASSERT_TRUE(upgrade());
    client.send(
        std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"
                    "mask",
                    14));
    EXPECT_EQ(test::close_code(client.read_rest()), 1009);
    client.close();
    EXPECT_EQ(endpoint.closed().code, 1009);
}

TEST_F(raw_websocket_test, fragments_over_the_limit_close_with_1009) {
    ASSERT_TRUE(upgrade());
    client.send(test::frame(test::opcode::binary, std::string(60000, 'a'), false));
    client.send(test::frame(test::opcode::continuation, std::string(60000, 'a'), false));
    EXPECT_EQ(test::close_code(client.read_rest()), 1009);
    client.close();
    EXPECT_EQ(endpoint.closed().code, 1009);
}

TEST_F(raw_websocket_test, breaking_the_protocol_closes_with_1002) {
    ASSERT_TRUE(upgrade());
    client.send("\x82\x01x");  // not masked
    client.read_rest();
    client.close();
    EXPECT_EQ(endpoint.closed().code, 1002);
}

TEST_F(raw_websocket_test, a_connection_that_just_ends_is_1006) {
    ASSERT_TRUE(upgrade());
    client.send(test::frame(test::opcode::binary, std::string(100, 'a')).substr(0, 50));
    client.close();
    EXPECT_EQ(endpoint.closed().code, 1006);
}

TEST_F(raw_websocket_test, frames_sent_ahead_of_the_upgrade_are_refused) {
    client.send(test::upgrade_request("codez.test") + test::frame(test::opcode::binary, "early"));
    EXPECT_EQ(client.read_response().status, 400);
}

TEST_F(raw_websocket_test, a_plain_request_gets_426) {
    client.send("GET /link HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 426);
    EXPECT_EQ(response.field("Sec-WebSocket-Version"), "13");
    EXPECT_EQ(response.field("Upgrade"), "websocket");
}

TEST_F(raw_websocket_test, a_bad_key_gets_400) {
    auto request = test::upgrade_request("codez.test");
    request.replace(request.find("Sec-WebSocket-Key: ") + 19, 4, "x");
    client.send(request);
    EXPECT_EQ(client.read_response().status, 400);
}

TEST(websocket, a_peer_that_does_not_answer_the_close_is_dropped) {
    test_server server([](http_exchange& exchange) -> asio::awaitable<void> {
        auto channel = co_await exchange.accept_websocket("codez.test", message_max);
        channel->close(1001, "bye");
        const auto end = co_await channel->read();
        EXPECT_EQ(end.error().code, 1001);
    });
    raw_client client(server.port());
    client.send(test::upgrade_request("codez.test"));
    client.read_until("\r\n\r\n");
    EXPECT_EQ(test::close_code(client.read_rest()), 1001);
    server.wait_for_connections(0);
}

TEST(websocket, stop_cuts_channels_after_its_grace) {
    echo_endpoint endpoint;
    test_server server(endpoint.handler());
    raw_client client(server.port());
    client.send(test::upgrade_request("codez.test"));
    client.read_until("\r\n\r\n");
    EXPECT_FALSE(server.stop(1ms));
    client.read_rest();
    EXPECT_EQ(endpoint.closed().code, 1001);
}

}  // namespace
