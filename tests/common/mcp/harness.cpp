#include "tests/common/mcp/harness.hpp"

#include <atomic>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace common::mcp::test {
namespace {

// Reversible and bound to the associated data; the real sealer has tests of its own.
std::string hex(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return text;
}

std::optional<std::string> open_hex(std::string_view sealed, std::string_view associated) {
    std::string plain;
    for (std::size_t at = 0; at + 1 < sealed.size(); at += 2) {
        plain += static_cast<char>(std::stoi(std::string(sealed.substr(at, 2)), nullptr, 16));
    }
    if (hex(plain) != sealed || !plain.starts_with(associated)) return std::nullopt;
    return plain.substr(associated.size());
}

engine_options complete(engine_options options, std::vector<std::string>& bugs) {
    options.seal = [](std::string_view plain, std::string_view associated) {
        return hex(std::string(associated) + std::string(plain));
    };
    options.open = [](std::string_view sealed, std::string_view associated) -> std::optional<std::string> {
        if (sealed.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
        return open_hex(sealed, associated);
    };
    options.random_token = [next = std::make_shared<int>(0)](std::size_t length) {
        std::string token = std::to_string(++*next);
        token.insert(0, length - token.size(), 'a');
        return token;
    };
    options.report_bug = [&bugs](std::string_view, std::string_view what) { bugs.emplace_back(what); };
    return options;
}

}  // namespace

boost::asio::awaitable<void> gate::wait() {
    constexpr auto no_throw = boost::asio::as_tuple(boost::asio::use_awaitable);
    while (!is_open_) co_await timer_.async_wait(no_throw);
}

void gate::open() {
    is_open_ = true;
    timer_.cancel();
}

std::string fake_backend::tools(const proto::principal& who) {
    return fmt::format(R"([{{"name":"echo","description":"for {}","inputSchema":{{"type":"object"}}}}])", who.name);
}

bool fake_backend::has_tool(std::string_view name) const {
    return name == "echo" || name == "fail" || (name == "scripted" && scripted);
}

boost::asio::awaitable<proto::result<void>> fake_backend::call(const tool_call& call, call_reply& reply) {
    calls.push_back({std::string(call.tool), std::string(call.arguments), std::string(call.request_id), call.who->key(),
                     call.wants_progress, call.depth});
    if (call.tool == "scripted") co_return co_await scripted(call, reply);
    if (call.tool == "fail") {
        co_return proto::fail(proto::error_code::machine_offline, "The machine \"box\" is offline.", "Start its agent.",
                              R"({"last_seen":1})");
    }
    const std::string result =
        fmt::format(R"({{"content":[],"structuredContent":{{"arguments":{}}}}})", call.arguments);
    co_await reply.write(result);
    co_return proto::result<void>{};
}

harness::harness(engine_options options) : subject(backend, complete(std::move(options), bugs)) {}

std::unique_ptr<fake_exchange> harness::make(std::string method, const net::http_fields& fields,
                                             std::string body) const {
    net::http_request request;
    request.method = std::move(method);
    request.path = "/mcp";
    request.fields = fields;
    request.body = std::move(body);
    return std::make_unique<fake_exchange>(std::move(request));
}

std::unique_ptr<fake_exchange> harness::make_post(std::string body, const net::http_fields& more) const {
    net::http_fields fields;
    const net::http_fields usual{{"Content-Type", "application/json"},
                                 {"Accept", "application/json, text/event-stream"}};
    for (const auto& [name, value] : usual.all()) {
        if (more.count(name) == 0) fields.add(name, value);
    }
    for (const auto& [name, value] : more.all()) {
        if (!value.empty()) fields.add(name, value);
    }
    return make("POST", fields, std::move(body));
}

void harness::begin(fake_exchange& exchange) { begin(exchange, who); }

void harness::begin(fake_exchange& exchange, const proto::principal& as) {
    ++running;
    boost::asio::co_spawn(io, subject.handle(exchange, as, 1), [this](std::exception_ptr failure) {
        --running;
        if (failure) std::rethrow_exception(failure);
    });
}

void harness::run() {
    io.restart();
    io.run_for(std::chrono::seconds(30));
    EXPECT_EQ(running, 0) << "The engine did not answer.";
}

std::unique_ptr<fake_exchange> harness::post(std::string body, const net::http_fields& more) {
    return post_as(who, std::move(body), more);
}

std::unique_ptr<fake_exchange> harness::post_as(const proto::principal& as, std::string body,
                                                const net::http_fields& more) {
    std::unique_ptr<fake_exchange> exchange = make_post(std::move(body), more);
    begin(*exchange, as);
    run();
    return exchange;
}

std::string harness::initialize(std::string_view version) {
    const auto exchange = post(fmt::format(
        R"({{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{}","capabilities":{{}},)"
        R"("clientInfo":{{"name":"t","version":"1"}}}}}})",
        version));
    return exchange->field("Mcp-Session-Id");
}

std::string call_body(std::string_view tool, std::string_view more_params, std::string_view id) {
    return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{}"{}}}}})", id, tool,
                       more_params);
}

void expect_response(const nlohmann::json& message, const nlohmann::json& id) {
    ASSERT_TRUE(message.is_object()) << message;
    EXPECT_EQ(message.value("jsonrpc", ""), "2.0") << message;
    EXPECT_EQ(message.value("id", nlohmann::json()), id) << message;
    EXPECT_NE(message.contains("result"), message.contains("error")) << message;
    EXPECT_EQ(message.size(), 3u) << message;
}

void expect_rpc_error(const fake_exchange& exchange, int status, int code) {
    EXPECT_EQ(exchange.status, status) << exchange.body;
    EXPECT_EQ(exchange.field("Content-Type"), "application/json");
    EXPECT_NE(exchange.field("X-Request-Id"), "");
    const nlohmann::json message = exchange.json();
    ASSERT_TRUE(message.is_object() && message.contains("error")) << exchange.body;
    EXPECT_EQ(message["jsonrpc"], "2.0");
    EXPECT_EQ(message["error"].value("code", 0), code) << exchange.body;
    EXPECT_FALSE(message["error"].value("message", "").empty());
    EXPECT_FALSE(message.contains("result"));
}

}  // namespace common::mcp::test
