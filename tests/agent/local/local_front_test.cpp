// Who is let in at the loopback endpoint.
#include "agent/local/local_front.hpp"

#include <unistd.h>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "common/net/websocket_channel.hpp"
#include "tests/common/mcp/schema_check.hpp"

namespace agent::local {
namespace {

class one_tool final : public common::mcp::backend {
public:
    std::string tools(const proto::principal& who) override {
        asked_by = who;
        return "[]";
    }
    bool has_tool(std::string_view) const override { return false; }
    std::string instructions() const override { return {}; }
    boost::asio::awaitable<proto::result<void>> call(const common::mcp::tool_call&, common::mcp::call_reply&) override {
        co_return proto::result<void>();
    }
    std::optional<proto::principal> asked_by;
};

class fake_exchange final : public common::net::http_exchange {
public:
    common::net::http_request asked;
    common::net::http_response answer;

    const common::net::http_request& request() const override { return asked; }
    boost::asio::awaitable<bool> respond(common::net::http_response response) override {
        answer = std::move(response);
        co_return true;
    }
    boost::asio::awaitable<bool> start(int status, common::net::http_fields) override {
        answer.status = status;
        co_return true;
    }
    boost::asio::awaitable<bool> write(std::string_view piece) override {
        answer.body += piece;
        co_return true;
    }
    boost::asio::awaitable<bool> finish() override { co_return true; }
    void abort() override {}
    void on_peer_closed(std::function<void()>) override {}
    boost::asio::awaitable<std::unique_ptr<common::net::websocket_channel>> accept_websocket(std::string,
                                                                                             std::size_t) override {
        co_return nullptr;
    }
};

class local_front_test : public testing::Test {
protected:
    local_front_test() {
        common::mcp::engine_options options;
        options.seal = [](std::string_view plain, std::string_view) { return std::string(plain); };
        options.open = [](std::string_view sealed, std::string_view) { return std::optional(std::string(sealed)); };
        options.random_token = [](std::size_t length) { return std::string(length, 'a'); };
        engine_.emplace(backend_, std::move(options));
    }

    // The answer's status to `tools/list` with these fields changed: an empty value takes the field away.
    int ask(std::vector<std::pair<std::string, std::string>> changes = {}, std::string path = "/mcp",
            std::string method = "POST") {
        std::vector<std::pair<std::string, std::string>> fields{{"Host", "127.0.0.1:4097"},
                                                                {"Content-Type", "application/json"},
                                                                {"Accept", "application/json, text/event-stream"}};
        for (auto& [name, value] : changes) {
            if (name != "+Host") std::erase_if(fields, [&](const auto& f) { return f.first == name; });
            if (!value.empty()) fields.emplace_back(name == "+Host" ? "Host" : name, value);
        }
        exchange_ = fake_exchange();
        exchange_.asked.method = std::move(method);
        exchange_.asked.path = std::move(path);
        for (auto& [name, value] : fields) exchange_.asked.fields.add(name, value);
        exchange_.asked.body = R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})";
        exchange_.asked.peer_address = peer_.address;
        exchange_.asked.peer_port = peer_.port;
        exchange_.asked.peer_is_loopback = loopback_;
        local_front front(
            *engine_, {"127.0.0.1", 4097},
            [this](const socket_address& peer, const socket_address& own) {
                EXPECT_EQ(peer.address, peer_.address);
                EXPECT_EQ(own.port, 4097);
                return user_;
            },
            [this](const socket_address&, const socket_address&) { return session_; }, allowed_origins_);
        added_ = front.answer_fields(exchange_.asked);
        boost::asio::io_context io;
        boost::asio::co_spawn(io, front.handle(exchange_), boost::asio::detached);
        io.run();
        if (exchange_.answer.body.find("jsonrpc") != std::string::npos) {
            const auto said = nlohmann::json::parse(exchange_.answer.body);
            EXPECT_EQ(common::mcp::test::check_message("2025-03-26", said, "tools/list"), "");
        }
        return exchange_.answer.status;
    }

    one_tool backend_;
    std::optional<common::mcp::engine> engine_;
    fake_exchange exchange_;
    socket_address peer_{"127.0.0.1", 40000};
    std::vector<std::string> allowed_origins_;
    common::net::http_fields added_;  // what the listener would add to the answer
    bool loopback_ = true;
    std::optional<uid_t> user_ = ::geteuid();
    caller_session session_{true, "", 0};
};

TEST_F(local_front_test, programs_of_this_user_are_let_in_without_a_credential) {
    EXPECT_EQ(ask(), 200);
    ASSERT_TRUE(backend_.asked_by);
    EXPECT_EQ(backend_.asked_by->workspace_id, "local");
    EXPECT_EQ(ask({}, "/mcp/"), 200);
    EXPECT_EQ(ask({{"Authorization", "Bearer whatever"}}), 200);
}

TEST_F(local_front_test, a_program_in_a_session_is_told_from_others) {
    EXPECT_EQ(ask(), 200);
    EXPECT_EQ(backend_.asked_by->client_id, "loopback");
    session_ = {true, "s1", 1};
    EXPECT_EQ(ask(), 200);
    EXPECT_EQ(backend_.asked_by->client_id, "session:s1");
    session_ = {};
    EXPECT_EQ(ask(), 200);
    EXPECT_EQ(backend_.asked_by->client_id, "hidden");
}

TEST_F(local_front_test, answers_to_its_own_names_only) {
    for (const char* host : {"127.0.0.1", "localhost", "localhost:4097", "LocalHost:4097", "[::1]:4097", "[::1]"})
        EXPECT_EQ(ask({{"Host", host}}), 200) << host;
    for (const char* host : {"evil.example", "evil.example:4097", "127.0.0.1:4098", "localhost:",
                             "127.0.0.1.evil.example", "127.0.0.2:4097", "localhost.:4097", "0.0.0.0:4097",
                             "user@127.0.0.1:4097", "127.0.0.1:4097:4097", "2130706433:4097", "::1:4097"})
        EXPECT_EQ(ask({{"Host", host}}), 421) << host;
    EXPECT_EQ(ask({{"Host", ""}}), 421) << "none";
    EXPECT_EQ(ask({{"+Host", "127.0.0.1:4097"}}), 421) << "two";
}

TEST_F(local_front_test, web_pages_are_refused) {
    for (const char* origin : {"https://evil.example", "http://127.0.0.1:4097", "http://localhost:4097", "null"})
        EXPECT_EQ(ask({{"Origin", origin}}), 403) << origin;
    for (const char* site : {"cross-site", "same-site", "Cross-Site", "nonsense"})
        EXPECT_EQ(ask({{"Sec-Fetch-Site", site}}), 403) << site;
    for (const char* site : {"none", "same-origin"}) EXPECT_EQ(ask({{"Sec-Fetch-Site", site}}), 200) << site;
    // What a page may send without asking first.
    for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
        EXPECT_EQ(ask({{"Content-Type", type}}), 415) << type;
}

TEST_F(local_front_test, pages_of_allowed_origins_are_let_in) {
    const std::vector<std::pair<std::string, std::string>> page{{"Origin", "http://localhost:6274"},
                                                                {"Sec-Fetch-Site", "cross-site"}};
    const auto preflight = [&](const std::string& from) {
        return ask({{"Origin", from}, {"Access-Control-Request-Method", "POST"}, {"Sec-Fetch-Site", "cross-site"}},
                   "/mcp", "OPTIONS");
    };
    EXPECT_EQ(preflight("http://localhost:6274"), 403) << "none is allowed by itself";
    EXPECT_TRUE(added_.all().empty());

    allowed_origins_ = {"http://LocalHost:6274/"};
    EXPECT_EQ(preflight("http://localhost:6274"), 204);
    EXPECT_EQ(added_.find("Access-Control-Allow-Origin"), "http://localhost:6274");
    EXPECT_EQ(exchange_.answer.fields.find("Access-Control-Allow-Methods"), "GET, POST, DELETE, OPTIONS");
    EXPECT_FALSE(backend_.asked_by);
    EXPECT_EQ(ask(page), 200);
    EXPECT_EQ(added_.find("Access-Control-Allow-Origin"), "http://localhost:6274");
    EXPECT_EQ(ask(page, "/nothing"), 404);
    EXPECT_EQ(added_.find("Access-Control-Allow-Origin"), "http://localhost:6274");
    EXPECT_EQ(ask(), 200);
    EXPECT_TRUE(added_.all().empty());
    for (const char* origin :
         {"http://localhost:6275", "https://localhost:6274", "http://localhost", "null", "http://127.0.0.1:4097"}) {
        EXPECT_EQ(preflight(origin), 403) << origin;
        EXPECT_TRUE(added_.all().empty()) << origin;
        EXPECT_EQ(ask({{"Origin", origin}}), 403) << origin;
    }

    user_ = ::geteuid() + 1;
    EXPECT_EQ(preflight("http://localhost:6274"), 401) << "a browser of another user";
    user_ = ::geteuid();
    EXPECT_EQ(ask({{"Origin", "http://localhost:6274"}, {"X-Forwarded-For", "203.0.113.7"}}), 401);
}

TEST_F(local_front_test, what_came_through_a_proxy_is_somebody_elses) {
    for (const char* name :
         {"Forwarded", "forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto", "X-Forwarded-Port",
          "X-Forwarded-User", "X-Real-IP", "X-Client-IP", "Via", "CF-Connecting-IP", "CF-Ray", "True-Client-IP",
          "X-Forwarded-Server", "X-FORWARDED-PREFIX", "CF-IPCountry", "cf-visitor", "CDN-Loop"})
        EXPECT_EQ(ask({{name, "203.0.113.7"}}), 401) << name;
}

TEST_F(local_front_test, other_users_of_the_machine_are_refused) {
    user_ = ::geteuid() + 1;
    EXPECT_EQ(ask(), 401);
    user_ = std::nullopt;
    EXPECT_EQ(ask(), 401) << "a connection that the kernel does not know of";
    user_ = 0;
    EXPECT_EQ(ask(), 200) << "root may do everything anyway";
    EXPECT_EQ(nlohmann::json::parse(exchange_.answer.body).contains("error"), false);
}

TEST_F(local_front_test, other_machines_are_refused_whatever_they_call_it) {
    loopback_ = false;
    peer_.address = "192.0.2.1";
    EXPECT_EQ(ask({{"Host", "localhost"}}), 401);
}

TEST_F(local_front_test, there_is_nothing_else_here) {
    for (const char* path : {"/", "/mcpx", "/mcp/full", "/api/v1", "/../mcp"}) {
        EXPECT_EQ(ask({}, path), 404) << path;
        EXPECT_EQ(nlohmann::json::parse(exchange_.answer.body)["error"], "not_found");
    }
    user_ = ::geteuid() + 1;
    EXPECT_EQ(ask({}, "/nothing"), 401) << "and strangers do not learn even that";
}

}  // namespace
}  // namespace agent::local
