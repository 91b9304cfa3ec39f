#include "tests/common/mcp/harness.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/common/mcp/schema_check.hpp"

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

harness::harness(engine_options options, offered_features offered)
    : backend(offered), subject(backend, complete(std::move(options), bugs)) {}

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
    open.insert(&exchange);
    boost::asio::co_spawn(io, subject.handle(exchange, as, 1), [this, &exchange](std::exception_ptr failure) {
        --running;
        open.erase(&exchange);
        if (failure) std::rethrow_exception(failure);
        check(exchange);
    });
}

void harness::check(const fake_exchange& exchange) {
    constexpr std::size_t large = 100'000;  // parsing those takes longer than all else
    if (!exchange.is_answered() || exchange.body.empty() || exchange.body.size() > large) return;
    if (exchange.request().body.size() > large) return;
    const nlohmann::json asked = nlohmann::json::parse(exchange.request().body, nullptr, false);
    if (const std::string session = exchange.field("Mcp-Session-Id"); !session.empty()) {
        session_versions[session] = exchange.json()["result"].value("protocolVersion", "");
    }
    const auto version_field = exchange.request().fields.find("MCP-Protocol-Version");
    const auto session_field = exchange.request().fields.find("Mcp-Session-Id");
    std::string revision = "2025-03-26";
    if (version_field) revision = *version_field;
    if (session_field && session_versions.contains(*session_field))
        revision = session_versions[std::string(*session_field)];
    const std::array<std::string, 4> revisions{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"};
    if (std::ranges::find(revisions, revision) == revisions.end()) revision = revisions.back();

    std::vector<nlohmann::json> sent{exchange.json()};
    if (exchange.field("Content-Type") == "text/event-stream") sent = exchange.events().messages;
    if (sent.size() == 1 && sent[0].is_array()) sent = sent[0].get<std::vector<nlohmann::json>>();
    for (nlohmann::json& message : sent) {
        // Integers that this library cannot hold.
        if (message.is_object() && message.value("id", nlohmann::json()).is_number_float()) message["id"] = 0;
        std::string method;
        if (asked.is_object()) method = asked.value("method", nlohmann::json()).is_string() ? asked["method"] : "";
        if (asked.is_array()) {
            for (const nlohmann::json& one : asked) {
                if (one.is_object() && one.value("id", nlohmann::json()) == message.value("id", nlohmann::json(1)))
                    method = one.value("method", "");
            }
        }
        if (exchange.request().method == "GET") method = "tools/call";
        EXPECT_EQ(check_message(revision, message, method), "")
            << revision << " " << message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 500);
    }
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
    finish(*exchange);
    return exchange;
}

std::string harness::initialize(std::string_view version, std::string_view raw_capabilities) {
    const auto exchange = post(fmt::format(
        R"({{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{}","capabilities":{},)"
        R"("clientInfo":{{"name":"t","version":"1"}}}}}})",
        version, raw_capabilities));
    return exchange->field("Mcp-Session-Id");
}

std::unique_ptr<fake_exchange> harness::make_modern(std::string_view method, std::string_view params,
                                                    const modern_extras& extras) const {
    std::string body = fmt::format(
        R"({{"jsonrpc":"2.0","id":{},"method":"{}","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":)"
        R"("2026-07-28","io.modelcontextprotocol/clientCapabilities":{}{}{}}}{}{}}}}})",
        extras.id, method, extras.capabilities, extras.meta.empty() ? "" : ",", extras.meta, params.empty() ? "" : ",",
        params);
    const nlohmann::json parsed = nlohmann::json::parse(body, nullptr, false);
    net::http_fields fields;
    net::http_fields usual{{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", std::string(method)}};
    for (const char* name : {"name", "uri", "taskId"}) {
        const nlohmann::json named =
            parsed.is_object() ? parsed["params"].value(name, nlohmann::json()) : nlohmann::json();
        if (named.is_string()) usual.add("Mcp-Name", named);
    }
    for (const auto& [name, value] : usual.all()) {
        if (extras.fields.count(name) == 0) fields.add(name, value);
    }
    for (const auto& [name, value] : extras.fields.all()) fields.add(name, value);
    return make_post(std::move(body), fields);
}

std::unique_ptr<fake_exchange> harness::modern(std::string_view method, std::string_view params,
                                               const modern_extras& extras) {
    std::unique_ptr<fake_exchange> exchange = make_modern(method, params, extras);
    begin(*exchange);
    finish(*exchange);
    return exchange;
}

std::unique_ptr<fake_exchange> harness::make_get(const std::string& session, const std::string& last_event_id) const {
    net::http_fields fields{{"Accept", "text/event-stream"}, {"Mcp-Session-Id", session}};
    if (!last_event_id.empty()) fields.add("Last-Event-ID", last_event_id);
    return make("GET", fields, "");
}

// Where a stream is open, there is always something left to run.
void harness::finish(const fake_exchange& exchange) {
    if (open.size() > 1)
        run_to_end(exchange);
    else
        run();
}

void harness::run_to_end(const fake_exchange& exchange) {
    run_until([&] { return !open.contains(&exchange); });
}

void harness::run_until(const std::function<bool()>& condition) {
    io.restart();
    while (!condition() && io.run_one() > 0) {
    }
    EXPECT_TRUE(condition());
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
