// tools/call whose result is there at once: parameters, results, errors.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

using outcome = boost::asio::awaitable<proto::result<void>>;

TEST(call_tool, answers_a_quick_result_as_one_json_body) {
    harness h;
    const auto exchange = h.post(call_body("echo", R"(,"arguments":{ "a" : [1, "\u00e9"] })"));
    EXPECT_TRUE(exchange->has_responded);
    EXPECT_EQ(exchange->field("Content-Type"), "application/json");
    EXPECT_EQ(
        exchange->body,
        R"({"jsonrpc":"2.0","id":7,"result":{"content":[],"structuredContent":{"arguments":{ "a" : [1, "\u00e9"] }}}})");
    ASSERT_EQ(h.backend.calls.size(), 1u);
    const fake_backend::seen_call& call = h.backend.calls[0];
    EXPECT_EQ(call.arguments, R"({ "a" : [1, "\u00e9"] })");
    EXPECT_EQ(call.principal, "w_1/u_1/k_1");
    EXPECT_EQ(call.depth, 1);
    EXPECT_FALSE(call.wants_progress);
    EXPECT_EQ(call.request_id, exchange->field("X-Request-Id"));
}

TEST(call_tool, arguments_may_be_missing) {
    harness h;
    h.post(call_body("echo"));
    ASSERT_EQ(h.backend.calls.size(), 1u);
    EXPECT_EQ(h.backend.calls[0].arguments, "{}");
}

TEST(call_tool, refuses_malformed_parameters_by_name) {
    harness h;
    const std::vector<std::pair<std::string, std::string>> cases{
        {call_body("echo", R"(,"arguments":[])"), "arguments"},
        {call_body("echo", R"(,"arguments":null)"), "arguments"},
        {call_body("echo", R"(,"arguments":"{}")"), "arguments"},
        {call_body("echo", R"(,"arguments":{},"arguments":{"x":1})"), "arguments"},
        {call_body("echo", R"(,"name":"fail")"), "name"},
        {call_body("echo", R"(,"n\u0061me":"fail")"), "name"},
        {call_body("echo", R"(,"_meta":{"progressToken":1.5})"), "progressToken"},
        {call_body("echo", R"(,"_meta":{"progressToken":{}})"), "progressToken"},
        {call_body("echo", R"(,"_meta":{"progressToken":1,"progressToken":2})"), "progressToken"},
        {call_body(std::string(200, 'n')), "name"},
        {R"({"jsonrpc":"2.0","id":7,"method":"tools/call"})", "name"},
        {R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{}})", "name"},
        {R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":5}})", "name"}};
    for (const auto& [body, field] : cases) {
        const auto exchange = h.post(body);
        expect_rpc_error(*exchange, 200, -32602);
        EXPECT_EQ(exchange->json()["id"], 7);
        EXPECT_NE(exchange->body.find(field), std::string::npos) << exchange->body;
    }
    EXPECT_TRUE(h.backend.calls.empty());
}

TEST(call_tool, names_the_unknown_tool) {
    harness h;
    const auto exchange = h.post(call_body("no\\\"such"));
    expect_rpc_error(*exchange, 200, -32602);
    EXPECT_EQ(exchange->json()["error"]["message"], "Unknown tool: no\"such. tools/list names those there are.");
}

TEST(call_tool, shows_a_failure_as_a_result_with_the_envelope_twice) {
    harness h;
    const auto exchange = h.post(call_body("fail"));
    EXPECT_EQ(exchange->status, 200);
    expect_response(exchange->json(), 7);
    const nlohmann::json result = exchange->json()["result"];
    EXPECT_EQ(result["isError"], true);
    EXPECT_FALSE(result.contains("structuredContent"));
    const nlohmann::json& envelope = result["_meta"]["codez/error"];
    EXPECT_EQ(envelope["code"], "machine_offline");
    EXPECT_EQ(envelope["request_id"], exchange->field("X-Request-Id"));
    ASSERT_EQ(result["content"].size(), 1u);
    EXPECT_EQ(result["content"][0]["type"], "text");
    EXPECT_EQ(nlohmann::json::parse(result["content"][0]["text"].get<std::string>()), envelope);
}

TEST(call_tool, asks_by_http_for_a_right_that_the_caller_could_get) {
    engine_options options;
    options.challenge = [](const proto::principal& who, const proto::error& error) -> std::optional<std::string> {
        if (error.code != proto::error_code::machine_offline) return std::nullopt;
        return "Bearer scope=\"for " + who.name + "\"";
    };
    harness h(options);
    for (const auto& exchange : {h.post(call_body("fail")), h.modern("tools/call", R"("name":"fail")")}) {
        EXPECT_EQ(exchange->status, 403);
        EXPECT_EQ(exchange->field("WWW-Authenticate"), "Bearer scope=\"for Ada\"");
        EXPECT_EQ(exchange->json()["error"]["data"]["code"], "machine_offline");
    }
    const auto fine = h.post(call_body("no_such_tool"));
    EXPECT_EQ(fine->field("WWW-Authenticate"), "");
}

TEST(call_tool, joins_pieces_cut_anywhere) {
    harness h;
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> outcome {
        for (const char c : text_result) {
            const std::string_view piece(&c, 1);
            const bool is_alive = co_await reply.write(piece);
            EXPECT_TRUE(is_alive);
        }
        co_await reply.write("");
        co_return proto::result<void>{};
    };
    const auto exchange = h.post(call_body("scripted"));
    EXPECT_TRUE(exchange->has_responded);
    EXPECT_EQ(exchange->body, fmt::format(R"({{"jsonrpc":"2.0","id":7,"result":{}}})", text_result));
}

TEST(call_tool, an_error_after_the_first_piece_breaks_the_answer) {
    harness h;
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> outcome {
        co_await reply.write(R"({"content":[)");
        co_return proto::fail(proto::error_code::route_unavailable, "The machine went away.");
    };
    const auto exchange = h.post(call_body("scripted"));
    EXPECT_TRUE(exchange->was_aborted);
    EXPECT_FALSE(exchange->is_answered());
}

TEST(call_tool, a_call_without_a_result_is_an_error_not_an_empty_answer) {
    harness h;
    h.backend.scripted = [](const tool_call&, call_reply&) -> outcome { co_return proto::result<void>{}; };
    const auto exchange = h.post(call_body("scripted"));
    EXPECT_EQ(exchange->json()["result"]["_meta"]["codez/error"]["code"], "internal");
}

TEST(call_tool, a_bug_in_the_back_end_is_reported_and_not_shown) {
    harness h;
    h.backend.scripted = [](const tool_call& call, call_reply&) -> outcome {
        if (call.depth == 1) throw std::runtime_error("secret detail");
        co_return proto::result<void>{};
    };
    const auto exchange = h.post(call_body("scripted"));
    EXPECT_EQ(exchange->json()["result"]["_meta"]["codez/error"]["code"], "internal");
    EXPECT_EQ(exchange->body.find("secret"), std::string::npos);
    EXPECT_EQ(h.bugs, std::vector<std::string>{"secret detail"});
}

TEST(call_tool, too_many_calls_are_refused) {
    engine_options options;
    options.calls_in_flight_max = 0;
    harness h(options);
    const auto exchange = h.post(call_body("echo"));
    EXPECT_EQ(exchange->json()["result"]["_meta"]["codez/error"]["code"], "resource_exhausted");
}

}  // namespace
}  // namespace common::mcp::test
