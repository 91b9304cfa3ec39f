// Arrays of messages, which only 2025-03-26 knows.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

const net::http_fields json_only{{"Accept", "application/json"}};

std::string request(int id, std::string_view method) {
    return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"{}"}})", id, method);
}

TEST(batch, is_answered_in_order_as_an_array) {
    harness h;
    const auto exchange = h.post(fmt::format(R"([{},{{"jsonrpc":"2.0","method":"notifications/initialized"}},{},{}])",
                                             request(1, "ping"), request(2, "tools/list"), request(3, "nope")));
    EXPECT_EQ(exchange->status, 200);
    EXPECT_EQ(exchange->field("Content-Type"), "application/json");
    const nlohmann::json answers = exchange->json();
    ASSERT_TRUE(answers.is_array()) << exchange->body;
    ASSERT_EQ(answers.size(), 3u);
    for (int i = 0; i < 3; ++i) expect_response(answers[static_cast<std::size_t>(i)], i + 1);
    EXPECT_EQ(answers[2]["error"]["code"], -32601);
}

TEST(batch, of_one_is_still_an_array) {
    harness h;
    EXPECT_EQ(h.post("[" + request(1, "ping") + "]")->body, R"([{"jsonrpc":"2.0","id":1,"result":{}}])");
}

TEST(batch, with_calls_is_answered_one_by_one_on_a_stream) {
    harness h;
    const std::string body =
        "[" + call_body("echo", "", "1") + "," + request(2, "ping") + "," + call_body("fail", "", "\"x\"") + "]";
    const auto exchange = h.post(body);
    EXPECT_EQ(exchange->field("Content-Type"), "text/event-stream");
    const event_stream stream = exchange->events();
    EXPECT_TRUE(stream.is_whole);
    ASSERT_EQ(stream.messages.size(), 3u);
    expect_response(stream.messages[0], 1);
    expect_response(stream.messages[2], "x");
    EXPECT_EQ(stream.messages[2]["result"]["isError"], true);
    ASSERT_EQ(h.backend.calls.size(), 2u);
    EXPECT_NE(h.backend.calls[0].request_id, h.backend.calls[1].request_id);
}

TEST(batch, with_calls_and_without_streams_is_an_array) {
    engine_options options;
    options.answer_bytes_buffered_max = 10;
    harness h(options);
    const auto exchange = h.post("[" + call_body("echo", "", "1") + "," + call_body("echo", "", "2") + "]", json_only);
    ASSERT_EQ(exchange->json().size(), 2u) << exchange->body;
    expect_response(exchange->json()[1], 2);
}

TEST(batch, without_requests_is_accepted) {
    harness h;
    const auto exchange = h.post(R"([{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1,"result":{}}])");
    EXPECT_EQ(exchange->status, 202);
}

TEST(batch, is_refused_where_it_does_not_belong) {
    harness h;
    const std::string one = "[" + request(1, "ping") + "]";
    for (const char* version : {"2025-06-18", "2025-11-25", "2024-11-05"}) {
        expect_rpc_error(*h.post(one, {{"MCP-Protocol-Version", version}}), 400, -32600);
        expect_rpc_error(*h.post(one, {{"Mcp-Session-Id", h.initialize(version)}}), 400, -32600);
    }
    EXPECT_EQ(h.post(one, {{"MCP-Protocol-Version", "2025-03-26"}})->status, 200);
    expect_rpc_error(*h.post("[" + request(1, "ping") + "," + request(2, "initialize") + "]"), 400, -32600);
    expect_rpc_error(*h.post("[]"), 400, -32600);
    std::string many = request(0, "ping");
    for (int i = 1; i < 50; ++i) many += "," + request(i, "ping");
    EXPECT_EQ(h.post("[" + many + "]")->json().size(), 50u);
    expect_rpc_error(*h.post("[" + many + "," + request(50, "ping") + "]"), 400, -32600);
}

TEST(batch, a_broken_result_ends_all_of_it) {
    harness h;
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> boost::asio::awaitable<proto::result<void>> {
        co_await reply.write("{");
        co_return proto::fail(proto::error_code::internal, "x");
    };
    const auto exchange = h.post("[" + call_body("scripted", "", "1") + "," + call_body("echo", "", "2") + "]");
    EXPECT_TRUE(exchange->was_aborted);
    EXPECT_EQ(h.backend.calls.size(), 1u);
}

}  // namespace
}  // namespace common::mcp::test
