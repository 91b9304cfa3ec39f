// Guarded fetches from servers on loopback, which the operator's list lets through.
#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>

#include "common/net/fetch_guard.hpp"
#include "tests/common/net/test_certificates.hpp"
#include "tests/common/net/test_proxy.hpp"
#include "tests/common/net/test_server.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;
using namespace std::chrono_literals;

class guarded_fetch : public testing::Test {
protected:
    std::shared_ptr<fetch_guard> guard_for(std::uint16_t port) const {
        auto guard = std::make_shared<fetch_guard>();
        guard->allowed = {{"localhost", port}};
        guard->ca_file = certificate_.certificate_file();
        return guard;
    }
    listener_options with_tls() const {
        return {.tls = *server_tls_context::load(certificate_.certificate_file(), certificate_.key_file())};
    }
    static std::string url_of(std::uint16_t port) { return "https://localhost:" + std::to_string(port) + "/document"; }
    // What comes of a fetch from a server with that handler.
    std::expected<http_response, connect_error> get(http_handler handler,
                                                    std::chrono::milliseconds timeout = 10s) const {
        test::test_server server(std::move(handler), with_tls());
        auto request = guarded_request(url_of(server.port()), guard_for(server.port()));
        request.timeout = timeout;
        return test::run_alone(fetch(std::move(request)));
    }

    const test::test_certificate certificate_;
};

asio::awaitable<void> drip(http_exchange& exchange) {
    bool there = co_await exchange.start(200, {});
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (there) {
        timer.expires_after(20ms);
        co_await timer.async_wait(asio::use_awaitable);
        there = co_await exchange.write("x");
    }
}

asio::awaitable<void> pour(http_exchange& exchange) {
    bool there = co_await exchange.start(200, {});
    const std::string piece(1000, 'x');
    while (there) there = co_await exchange.write(piece);
}

TEST_F(guarded_fetch, gets_a_document_by_its_name) {
    http_request seen;
    const auto got = get([&](http_exchange& exchange) -> asio::awaitable<void> {
        seen = exchange.request();
        co_await exchange.respond({.status = 200, .fields = {{"Content-Type", "application/json"}}, .body = "{}"});
    });
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->body, "{}");
    EXPECT_EQ(seen.path, "/document");
    EXPECT_TRUE(seen.fields.find("host")->starts_with("localhost:"));
    EXPECT_EQ(seen.fields.find("accept"), "application/json");
    EXPECT_EQ(seen.fields.find("cookie"), std::nullopt);
    EXPECT_EQ(seen.fields.find("referer"), std::nullopt);
}

TEST_F(guarded_fetch, no_server_hears_of_a_url_that_leads_inside) {
    std::atomic<int> requests = 0;
    test::test_server server(
        [&](http_exchange& exchange) -> asio::awaitable<void> {
            ++requests;
            co_await exchange.respond({});
        },
        with_tls());
    for (const std::string host : {"localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433"}) {
        const auto guard = guard_for(1);
        const auto url = "https://" + host + ":" + std::to_string(server.port()) + "/document";
        const auto got = test::run_alone(fetch(guarded_request(url, guard)));
        ASSERT_FALSE(got) << url;
        EXPECT_TRUE(got.error().kind == connect_failure::forbidden || got.error().kind == connect_failure::invalid_url);
    }
    EXPECT_EQ(requests, 0);
}

TEST_F(guarded_fetch, a_redirect_is_an_answer_like_any_other) {
    const auto got = get([](http_exchange& exchange) -> asio::awaitable<void> {
        co_await exchange.respond({.status = 302, .fields = {{"Location", "http://169.254.169.254/"}}, .body = {}});
    });
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 302);
}

TEST_F(guarded_fetch, a_name_is_looked_up_once_and_dialled_where_it_led) {
    test::test_server server(test::echo_handler, with_tls());
    static std::atomic<int> lookups;
    lookups = 0;
    const auto guard = guard_for(server.port());
    // From the second time on the name leads elsewhere.
    struct flip {
        static asio::awaitable<std::expected<addresses, connect_error>> find() {
            co_return addresses{asio::ip::make_address(lookups++ == 0 ? "127.0.0.1" : "127.0.0.2")};
        }
    };
    guard->look_up = [](const std::string&, std::chrono::steady_clock::time_point) { return flip::find(); };
    const auto got = test::run_alone(fetch(guarded_request(url_of(server.port()), guard)));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(lookups, 1);
}

TEST_F(guarded_fetch, goes_through_no_proxy) {
    test::test_server server(test::echo_handler, with_tls());
    test::test_proxy proxy(server.port());
    auto request = guarded_request(url_of(server.port()), guard_for(server.port()));
    request.http_proxy = proxy_address{"127.0.0.1", proxy.port(), ""};
    ASSERT_TRUE(test::run_alone(fetch(std::move(request))));
    EXPECT_EQ(proxy.request(), "");
}

TEST_F(guarded_fetch, trusts_only_its_own_authorities) {
    test::test_server server(test::echo_handler, with_tls());
    const auto guard = guard_for(server.port());
    guard->ca_file.clear();
    const auto got = test::run_alone(fetch(guarded_request(url_of(server.port()), guard)));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, connect_failure::tls);
}

TEST_F(guarded_fetch, trust_that_was_read_once_serves_every_fetch) {
    test::test_server server(test::echo_handler, with_tls());
    const auto guard = guard_for(server.port());
    guard->trust = *make_client_tls_context(guard->ca_file);
    guard->ca_file = "/nonexistent";
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(test::run_alone(fetch(guarded_request(url_of(server.port()), guard))));
    guard->trust = *make_client_tls_context("");
    EXPECT_FALSE(test::run_alone(fetch(guarded_request(url_of(server.port()), guard))));
}

TEST_F(guarded_fetch, a_body_without_end_ends) {
    const auto large = get(pour);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().kind, connect_failure::too_large) << large.error().message;
    const auto begun = std::chrono::steady_clock::now();
    const auto slow = get(drip, 300ms);
    ASSERT_FALSE(slow);
    EXPECT_EQ(slow.error().kind, connect_failure::timeout) << slow.error().message;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(guarded_fetch, a_server_that_says_nothing_costs_its_time_and_no_more) {
    test::test_proxy silent("", test::test_proxy::after_reply::silence);
    auto request = guarded_request(url_of(silent.port()), guard_for(silent.port()));
    EXPECT_EQ(request.timeout, 3s);
    EXPECT_EQ(request.body_bytes_max, 5U << 10);
    request.timeout = 100ms;
    const auto got = test::run_alone(fetch(std::move(request)));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, connect_failure::timeout);
}

TEST_F(guarded_fetch, a_compressed_answer_is_refused) {
    const auto with = [&](std::string encoding) {
        return get([encoding](http_exchange& exchange) -> asio::awaitable<void> {
            co_await exchange.respond({.status = 200, .fields = {{"Content-Encoding", encoding}}, .body = "{}"});
        });
    };
    EXPECT_TRUE(with("identity"));
    for (const auto* encoding : {"gzip", "br", "deflate", "x"}) EXPECT_FALSE(with(encoding)) << encoding;
}

}  // namespace
