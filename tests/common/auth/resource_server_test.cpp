// What a server that wants credentials answers to whom.
#include "common/auth/resource_server.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "common/net/websocket_channel.hpp"

namespace common::auth {
namespace {

class fake_exchange final : public net::http_exchange {
public:
    net::http_request asked;
    net::http_response answer;

    const net::http_request& request() const override { return asked; }
    boost::asio::awaitable<bool> respond(net::http_response response) override {
        answer = std::move(response);
        co_return true;
    }
    boost::asio::awaitable<bool> start(int, net::http_fields) override { co_return true; }
    boost::asio::awaitable<bool> write(std::string_view) override { co_return true; }
    boost::asio::awaitable<bool> finish() override { co_return true; }
    void abort() override {}
    void on_peer_closed(std::function<void()>) override {}
    boost::asio::awaitable<std::unique_ptr<net::websocket_channel>> accept_websocket(std::string,
                                                                                     std::size_t) override {
        co_return nullptr;
    }
};

class resource_servers : public testing::Test {
protected:
    resource_server make(std::string issuer) {
        return {{"https://box.example.com", {}, std::move(issuer)},
                [this](std::string credential) -> boost::asio::awaitable<verify_result> {
                    if (credential == "right") co_return proto::principal{"w", "u", "k", "ada", {"mcp:tools"}};
                    co_return std::unexpected(
                        verify_error{credential.empty() ? verify_errc::absent : why_, "A sentence.", {}});
                },
                [this](const net::http_request&) { return wait_; }};
    }

    // The status; the answer stays in exchange_.
    int ask(const resource_server& server, std::string_view path, const std::string& credential) {
        exchange_ = fake_exchange();
        exchange_.asked.path = path;
        if (!credential.empty()) exchange_.asked.fields.add("Authorization", "Bearer " + credential);
        run(server.authenticate(
            exchange_, [](net::http_exchange& exchange, const proto::principal& who) -> boost::asio::awaitable<void> {
                co_await exchange.respond({200, {}, who.name});
            }));
        return exchange_.answer.status;
    }

    void run(boost::asio::awaitable<void> what) {
        boost::asio::io_context context;
        boost::asio::co_spawn(context, std::move(what), boost::asio::detached);
        context.run();
    }

    std::string_view challenge() const { return exchange_.answer.fields.find("WWW-Authenticate").value_or(""); }

    verify_errc why_ = verify_errc::invalid;
    std::optional<std::chrono::milliseconds> wait_;
    fake_exchange exchange_;
};

TEST_F(resource_servers, let_in_who_has_the_right_credential) {
    EXPECT_EQ(ask(make(""), "/mcp", "right"), 200);
    EXPECT_EQ(exchange_.answer.body, "ada");
}

TEST_F(resource_servers, with_an_authorization_server_lead_there) {
    const auto server = make("https://idp.example.com");
    EXPECT_EQ(ask(server, "/mcp/", ""), 401);
    EXPECT_EQ(
        challenge(),
        "Bearer resource_metadata=\"https://box.example.com/.well-known/oauth-protected-resource/mcp/\", scope=\"mcp:tools\"");
    EXPECT_EQ(ask(server, "/mcp", "wrong"), 401);
    EXPECT_TRUE(challenge().ends_with("error=\"invalid_token\"")) << challenge();
    ask(server, key_path, "wrong");
    EXPECT_EQ(challenge(), "ApiKey realm=\"codez\", error=\"invalid_token\"");

    EXPECT_TRUE(server.has_metadata("/.well-known/oauth-protected-resource/mcp"));
    exchange_.asked.path = "/.well-known/oauth-protected-resource";
    exchange_.asked.method = "GET";
    run(server.serve_metadata(exchange_));
    EXPECT_EQ(exchange_.answer.status, 200);
    EXPECT_NE(exchange_.answer.body.find(R"("authorization_servers":["https://idp.example.com"])"), std::string::npos);
}

TEST_F(resource_servers, with_keys_only_lead_nobody_into_oauth) {
    const auto server = make("");
    EXPECT_FALSE(server.has_metadata("/.well-known/oauth-protected-resource/mcp"));
    EXPECT_FALSE(server.has_metadata("/.well-known/oauth-protected-resource"));
    EXPECT_EQ(ask(server, "/mcp", ""), 401);
    EXPECT_EQ(challenge(), "ApiKey realm=\"codez\"");
}

TEST_F(resource_servers, say_what_kind_of_no_it_is) {
    const auto server = make("https://idp.example.com");
    why_ = verify_errc::unavailable;
    EXPECT_EQ(ask(server, "/mcp", "any"), 503);
    EXPECT_EQ(exchange_.answer.fields.find("Retry-After"), "1");
    why_ = verify_errc::nobody;
    EXPECT_EQ(ask(server, "/mcp", "any"), 403);
    EXPECT_EQ(challenge(), "");
    why_ = verify_errc::invalid;
    wait_ = std::chrono::milliseconds(1500);
    EXPECT_EQ(ask(server, "/mcp", "any"), 429);
    EXPECT_EQ(exchange_.answer.fields.find("Retry-After"), "2");
    EXPECT_EQ(ask(server, "/mcp", ""), 401) << "no credential is no wrong one";
    EXPECT_EQ(ask(server, "/mcp", "right"), 200);
}

}  // namespace
}  // namespace common::auth
