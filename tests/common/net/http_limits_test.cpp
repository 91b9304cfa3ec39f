#include <gtest/gtest.h>

#include "tests/common/net/raw_client.hpp"
#include "tests/common/net/test_server.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using namespace std::chrono_literals;
using namespace std::string_literals;
using test::echo_handler;
using test::ending;
using test::raw_client;
using test::test_server;

// Small sizes, and waits that never end by themselves unless a test makes them short.
listener_options small() {
    listener_options options;
    options.limits = {.header_bytes_max = 2048,
                      .fields_max = 10,
                      .target_bytes_max = 100,
                      .body_bytes_max = 1000,
                      .header_timeout = 1h,
                      .body_timeout = 1h,
                      .idle_timeout = 1h,
                      .write_stall_timeout = 1h,
                      .linger_timeout = 1h};
    return options;
}

struct refused_request {
    const char* name;
    int status;
    std::string bytes;
};

std::string many_fields(int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += "X" + std::to_string(i) + ": 1\r\n";
    return out;
}

void PrintTo(const refused_request& request, std::ostream* out) { *out << request.name; }

class refused : public testing::TestWithParam<refused_request> {};

// Refused with its status and a sentence, the connection closed, and nothing behind it taken for a request.
TEST_P(refused, is_answered_and_ends_the_connection) {
    int handled = 0;
    test_server server(
        [&](http_exchange& exchange) -> asio::awaitable<void> {
            ++handled;
            co_await echo_handler(exchange);
        },
        small());
    raw_client client(server.port());
    client.send(GetParam().bytes + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto response = client.read_response();
    EXPECT_EQ(response.status, GetParam().status) << response.body;
    const auto body = nlohmann::json::parse(response.body, nullptr, false);
    ASSERT_TRUE(body.is_object()) << response.body;
    EXPECT_FALSE(body.value("error", "").empty());
    EXPECT_TRUE(body.value("message", "").ends_with('.')) << response.body;
    EXPECT_EQ(response.field("Connection"), "close");
    client.finish_sending();
    EXPECT_EQ(client.read_rest(), "");
    EXPECT_EQ(client.how_it_ended(), ending::closed);
    EXPECT_EQ(handled, 0);
}

INSTANTIATE_TEST_SUITE_P(
    sizes, refused,
    testing::Values(
        refused_request{"header_too_large", 431,
                        "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(3000, 'a') + "\r\n\r\n"},
        refused_request{"target_too_long", 414, "GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"},
        refused_request{"target_too_large", 431, "GET /" + std::string(3000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"},
        refused_request{"too_many_fields", 431, "GET / HTTP/1.1\r\nHost: h\r\n" + many_fields(10) + "\r\n"},
        refused_request{"body_too_large", 413,
                        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'a')},
        refused_request{"endless_body", 413,
                        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n"},
        refused_request{"chunks_too_large", 413,
                        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                            std::string(1001, 'a') + "\r\n0\r\n\r\n"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    syntax, refused,
    testing::Values(refused_request{"garbage", 400, "hello there\r\n\r\n"},
                    refused_request{"tls_hello", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 abc\r\n\r\n"s},
                    refused_request{"http_2", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
                    refused_request{"bare_line_feeds", 400, "GET / HTTP/1.1\nHost: h\n\n"},
                    refused_request{"space_before_colon", 400, "GET / HTTP/1.1\r\nHost : h\r\n\r\n"},
                    refused_request{"zero_byte_in_value", 400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"s},
                    refused_request{"space_in_target", 400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
                    refused_request{"no_host", 400, "GET / HTTP/1.1\r\nX: 1\r\n\r\n"},
                    refused_request{"two_hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
                    refused_request{"target_without_slash", 400, "GET a HTTP/1.1\r\nHost: h\r\n\r\n"},
                    refused_request{"authority_target", 400, "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"},
                    refused_request{"user_in_absolute_target", 400, "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"},
                    refused_request{
                        "compressed_body", 415,
                        "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"},
                    refused_request{"unknown_expectation", 417,
                                    "POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx"}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    smuggling, refused,
    testing::Values(
        refused_request{
            "length_then_chunked", 400,
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        refused_request{
            "chunked_then_length", 400,
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
        refused_request{"two_lengths", 400,
                        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"},
        refused_request{"same_length_twice", 400,
                        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"},
        refused_request{"length_list", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\nx"},
        refused_request{"signed_length", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\nx"},
        refused_request{"negative_length", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\nx"},
        refused_request{"hex_length", 400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\nx"},
        refused_request{"length_overflow", 400,
                        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\nx"},
        refused_request{"unknown_coding", 400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n"},
        refused_request{"chunked_not_last", 400,
                        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
        refused_request{"chunked_after_gzip", 400,
                        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
        refused_request{"chunked_twice", 400,
                        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
                        "chunked\r\n\r\n0\r\n\r\n"},
        refused_request{"chunked_with_1_0", 400,
                        "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        refused_request{"bad_chunk_size", 400,
                        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n"},
        refused_request{"chunk_size_overflow", 400,
                        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n"},
        refused_request{"chunk_without_end", 400,
                        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n"}),
    [](const auto& info) { return info.param.name; });

TEST(http_limits, what_just_fits_is_taken) {
    test_server server(echo_handler, small());
    raw_client client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\n" + many_fields(8) + "Content-Length: 1000\r\n\r\n" +
                std::string(1000, 'b'));
    EXPECT_EQ(client.read_response().status, 200);
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_EQ(client.read_response().status, 200);
    client.send("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 200);
}

TEST(http_limits, the_answer_to_a_refused_upload_is_not_lost_in_a_reset) {
    test_server server(echo_handler, small());
    raw_client client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n");
    client.send(std::string(3000000, 'a'));
    EXPECT_EQ(client.read_response().status, 413);
    client.finish_sending();
    EXPECT_EQ(client.read_rest(), "");
    EXPECT_EQ(client.how_it_ended(), ending::closed);
}

TEST(http_limits, half_a_header_gets_408) {
    auto options = small();
    options.limits.header_timeout = 500ms;  // also the time to begin; a busy machine needs some
    test_server server(echo_handler, options);
    raw_client client(server.port());
    client.send("GET / HT");
    EXPECT_EQ(client.read_response().status, 408);
    EXPECT_EQ(client.read_rest(), "");
}

TEST(http_limits, half_a_body_gets_408) {
    auto options = small();
    options.limits.body_timeout = 20ms;
    test_server server(echo_handler, options);
    raw_client client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
    EXPECT_EQ(client.read_response().status, 408);
    EXPECT_EQ(client.read_rest(), "");
}

TEST(http_limits, a_body_that_drips_is_ended_too) {
    auto options = small();
    options.limits.body_bytes_max = std::size_t{1} << 30;
    options.limits.body_timeout = 50ms;
    test_server server(echo_handler, options);
    raw_client client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    // The limit is on the whole body, not on each piece. What ends the loop is the server's cut.
    while (client.send("1\r\na\r\n")) {
    }
}

TEST(http_limits, a_refused_upload_is_not_listened_to_forever) {
    auto options = small();
    options.limits.linger_timeout = 50ms;
    test_server server(echo_handler, options);
    raw_client client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n");
    while (client.send(std::string(1000, 'a'))) {
    }
}

TEST(http_limits, a_connection_that_says_nothing_is_closed_without_a_word) {
    auto options = small();
    options.limits.header_timeout = 20ms;
    test_server server(echo_handler, options);
    raw_client client(server.port());
    EXPECT_EQ(client.read_rest(), "");
    EXPECT_EQ(client.how_it_ended(), ending::closed);
}

TEST(http_limits, an_idle_connection_is_closed_without_a_word) {
    auto options = small();
    options.limits.idle_timeout = 20ms;
    test_server server(echo_handler, options);
    raw_client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 200);
    EXPECT_EQ(client.read_rest(), "");
    EXPECT_EQ(client.how_it_ended(), ending::closed);
}

TEST(http_limits, a_handler_may_take_longer_than_any_deadline_of_reading) {
    auto options = small();
    options.limits.body_timeout = options.limits.idle_timeout = 20ms;
    options.limits.write_stall_timeout = 20ms;
    test_server server(
        [](http_exchange& exchange) -> asio::awaitable<void> {
            asio::steady_timer timer(co_await asio::this_coro::executor, 100ms);
            co_await timer.async_wait(asio::use_awaitable);
            co_await echo_handler(exchange);
        },
        options);
    raw_client client(server.port());
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_EQ(client.read_response().status, 200);
}

TEST(http_limits, a_peer_that_takes_nothing_is_cut) {
    auto options = small();
    options.limits.write_stall_timeout = 20ms;
    std::promise<bool> sent;
    test_server server(
        [&](http_exchange& exchange) -> asio::awaitable<void> {
            http_response response;
            response.body.assign(std::size_t{64} << 20, 'x');
            sent.set_value(co_await exchange.respond(std::move(response)));
        },
        options);
    raw_client client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_FALSE(sent.get_future().get());
    EXPECT_FALSE(client.read_response().complete);
}

TEST(http_limits, connections_over_the_total_are_turned_away) {
    auto options = small();
    options.connections_max = 2;
    test_server server(echo_handler, options);
    raw_client first(server.port());
    raw_client second(server.port());
    server.wait_for_connections(2);
    raw_client third(server.port());
    EXPECT_EQ(third.read_response().status, 503);
    first.close();
    server.wait_for_connections(1);
    raw_client fourth(server.port());
    fourth.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(fourth.read_response().status, 200);
}

}  // namespace
