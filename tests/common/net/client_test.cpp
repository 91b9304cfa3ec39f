#include <gtest/gtest.h>

#include "common/net/http_client.hpp"
#include "common/net/websocket_client.hpp"
#include "tests/common/net/test_certificates.hpp"
#include "tests/common/net/test_proxy.hpp"
#include "tests/common/net/test_server.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using namespace std::chrono_literals;
using test::echo_handler;
using test::run_alone;
using test::test_certificate;
using test::test_proxy;
using test::test_server;

std::string url_of(std::string_view scheme, std::uint16_t port, std::string_view path = "/") {
    return std::string(scheme) + "://localhost:" + std::to_string(port) + std::string(path);
}

listener_options with_tls(const test_certificate& certificate) {
    auto context = server_tls_context::load(certificate.certificate_file(), certificate.key_file());
    return {.tls = *context};
}

TEST(http_client, gets_and_posts) {
    test_server server(echo_handler);
    auto got = run_alone(fetch({.url = url_of("http", server.port(), "/a?b=c")}));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body, "GET /a?b=c ");
    EXPECT_NE(got->fields.find("date"), std::nullopt);
    auto posted = run_alone(fetch({.method = "POST", .url = url_of("http", server.port(), "/p"), .body = "data"}));
    ASSERT_TRUE(posted);
    EXPECT_EQ(posted->body, "POST /p? data");
    auto head = run_alone(fetch({.method = "HEAD", .url = url_of("http", server.port(), "/h")}));
    ASSERT_TRUE(head) << head.error().message;
    EXPECT_EQ(head->body, "");
}

TEST(http_client, sends_its_fields_and_the_right_host) {
    http_fields seen;
    test_server server([&](http_exchange& exchange) -> asio::awaitable<void> {
        seen = exchange.request().fields;
        co_await echo_handler(exchange);
    });
    http_client_request request{.url = url_of("http", server.port()),
                                .fields = {{"Authorization", "Bearer x"}, {"Host", "no"}}};
    ASSERT_TRUE(run_alone(fetch(std::move(request))));
    EXPECT_EQ(seen.find("authorization"), "Bearer x");
    EXPECT_EQ(seen.count("host"), 1U);
    EXPECT_EQ(seen.find("host"), "localhost:" + std::to_string(server.port()));
}

TEST(http_client, any_status_is_an_answer) {
    test_server server([](http_exchange& exchange) -> asio::awaitable<void> {
        http_response response{.status = 302, .fields = {{"Location", "/elsewhere"}}, .body = "moved"};
        co_await exchange.respond(std::move(response));
    });
    auto got = run_alone(fetch({.url = url_of("http", server.port())}));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 302);
    EXPECT_EQ(got->fields.find("location"), "/elsewhere");
}

TEST(http_client, trusts_the_given_authority_only_for_the_right_name) {
    const test_certificate certificate;
    test_server server(echo_handler, with_tls(certificate));
    const auto ca_file = certificate.certificate_file();
    auto got = run_alone(fetch({.url = url_of("https", server.port(), "/s"), .ca_file = ca_file}));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, "GET /s? ");

    auto untrusted = run_alone(fetch({.url = url_of("https", server.port())}));
    ASSERT_FALSE(untrusted);
    EXPECT_EQ(untrusted.error().kind, connect_failure::tls);
    EXPECT_NE(untrusted.error().message.find("not trusted"), std::string::npos) << untrusted.error().message;

    const std::string wrong_name = "https://127.0.0.2:" + std::to_string(server.port()) + "/";
    test_proxy reaches_it(server.port());
    auto misnamed = run_alone(fetch({.url = wrong_name,
                                     .ca_file = certificate.certificate_file(),
                                     .http_proxy = proxy_address{"127.0.0.1", reaches_it.port(), ""}}));
    ASSERT_FALSE(misnamed);
    EXPECT_EQ(misnamed.error().kind, connect_failure::tls);
}

TEST(http_client, a_bad_authority_file_is_named) {
    test_server server(echo_handler);
    auto got = run_alone(fetch({.url = url_of("https", server.port()), .ca_file = "/nonexistent/ca.pem"}));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, connect_failure::tls);
    EXPECT_NE(got.error().message.find("/nonexistent/ca.pem"), std::string::npos);
}

TEST(http_client, says_what_went_wrong) {
    const auto why = [](std::string url) {
        auto got = run_alone(fetch({.url = std::move(url)}));
        EXPECT_FALSE(got);
        EXPECT_TRUE(got.error().message.ends_with('.')) << got.error().message;
        return got.error().kind;
    };
    EXPECT_EQ(why("http://no-such-host.invalid/"), connect_failure::dns);
    EXPECT_EQ(why("nonsense"), connect_failure::invalid_url);
    std::uint16_t unused = 0;
    {
        test_server gone(echo_handler);
        unused = gone.port();
    }
    EXPECT_EQ(why(url_of("http", unused)), connect_failure::refused);
    test_proxy garbage("SSH-2.0-server\r\n");
    EXPECT_EQ(why(url_of("http", garbage.port())), connect_failure::protocol);
    test_server plain(echo_handler);
    EXPECT_EQ(why(url_of("https", plain.port())), connect_failure::tls);
}

TEST(http_client, interim_answers_are_passed_over) {
    test_proxy server("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    auto got = run_alone(fetch({.url = url_of("http", server.port())}));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body, "ok");
    std::string endless;
    for (int i = 0; i < 100; ++i) endless += "HTTP/1.1 103 Early Hints\r\n\r\n";
    test_proxy hostile(endless);
    EXPECT_FALSE(run_alone(fetch({.url = url_of("http", hostile.port())})));
}

TEST(http_client, half_an_answer_is_an_error) {
    test_proxy cut("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
    auto got = run_alone(fetch({.url = url_of("http", cut.port())}));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, connect_failure::protocol);
}

TEST(http_client, an_answer_that_is_too_large_is_an_error) {
    test_server server([](http_exchange& exchange) -> asio::awaitable<void> {
        http_response response;
        response.body.assign(2000, 'x');
        co_await exchange.respond(std::move(response));
    });
    auto got = run_alone(fetch({.url = url_of("http", server.port()), .body_bytes_max = 1000}));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, connect_failure::too_large);
}

TEST(http_client, waits_no_longer_than_its_timeout) {
    test_proxy silent("", test_proxy::after_reply::silence);
    for (const auto* scheme : {"http", "https"}) {
        auto got = run_alone(fetch({.url = url_of(scheme, silent.port()), .timeout = 50ms}));
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind, connect_failure::timeout) << got.error().message;
    }
    auto channel = run_alone(connect_websocket({.url = url_of("ws", silent.port()), .timeout = 50ms}));
    ASSERT_FALSE(channel);
    EXPECT_EQ(channel.error().kind, connect_failure::timeout);
}

TEST(http_client, goes_through_a_proxy) {
    const test_certificate certificate({.common_name = "hub", .alternative_names = "DNS:hub.invalid"});
    test_server server(echo_handler, with_tls(certificate));
    test_proxy proxy(server.port());
    // The name is the proxy's to resolve: it does not exist here.
    auto got = run_alone(fetch({.url = "https://hub.invalid:8443/x",
                                .ca_file = certificate.certificate_file(),
                                .http_proxy = proxy_address{"127.0.0.1", proxy.port(), "user:pass"}}));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, "GET /x? ");
    EXPECT_TRUE(proxy.request().starts_with("CONNECT hub.invalid:8443 HTTP/1.1\r\nHost: hub.invalid:8443\r\n"));
    EXPECT_NE(proxy.request().find("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"), std::string::npos);
}

TEST(websocket_client, goes_through_a_proxy) {
    const test_certificate certificate({.common_name = "hub", .alternative_names = "DNS:hub.invalid"});
    std::promise<std::string> heard;
    test_server server(
        [&](http_exchange& exchange) -> asio::awaitable<void> {
            auto channel = co_await exchange.accept_websocket("p", 100);
            auto message = co_await channel->read();
            heard.set_value(message.value_or("nothing"));
            channel->close(1000, "");
        },
        with_tls(certificate));
    test_proxy proxy(server.port());
    const auto talk = [&]() -> asio::awaitable<int> {
        auto channel = co_await connect_websocket({.url = "wss://hub.invalid/link",
                                                   .subprotocol = "p",
                                                   .ca_file = certificate.certificate_file(),
                                                   .http_proxy = proxy_address{"127.0.0.1", proxy.port(), ""}});
        EXPECT_TRUE(channel) << channel.error().message;
        if (!channel) co_return 1;
        (*channel)->send("hello");
        const auto end = co_await (*channel)->read();
        EXPECT_EQ(end.error().code, 1000);
        co_return 0;
    };
    run_alone(talk());
    EXPECT_EQ(heard.get_future().get(), "hello");
    EXPECT_TRUE(proxy.request().starts_with("CONNECT hub.invalid:443 "));
}

TEST(http_client, says_what_the_proxy_said) {
    const auto why = [](std::string reply) {
        test_proxy proxy(std::move(reply));
        auto got = run_alone(
            fetch({.url = "https://hub.invalid/", .http_proxy = proxy_address{"127.0.0.1", proxy.port(), ""}}));
        EXPECT_FALSE(got);
        return got.error();
    };
    const auto refused = why("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno");
    EXPECT_EQ(refused.kind, connect_failure::http_status);
    EXPECT_EQ(refused.status, 407);
    EXPECT_NE(refused.message.find("password"), std::string::npos);
    EXPECT_EQ(why("SSH-2.0-x\r\n\r\n").kind, connect_failure::protocol);
    EXPECT_EQ(why("HTTP/1.1 200").kind, connect_failure::protocol);
    EXPECT_EQ(why(std::string(10000, 'x')).kind, connect_failure::protocol);
    EXPECT_EQ(why("HTTP/1.1 200 OK\r\n\r\nunexpected").kind, connect_failure::protocol);
}

TEST(http_client, a_server_certificate_is_reloaded_while_it_serves) {
    const test_certificate files;
    const test_certificate renewed;
    const auto context = *server_tls_context::load(files.certificate_file(), files.key_file());
    test_server server(echo_handler, {.tls = context});
    files.replace_by(renewed);
    ASSERT_TRUE(context->reload());
    const auto url = url_of("https", server.port());
    auto got = run_alone(fetch({.url = url, .ca_file = renewed.certificate_file()}));
    EXPECT_TRUE(got) << got.error().message;
}

}  // namespace
