// Statuses of the HTTP transport, before any method is looked at.
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

constexpr std::string_view ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";

TEST(transport, plain_curl_needs_only_a_content_type) {
    harness h;
    const auto exchange = h.post(std::string(ping), {{"Accept", ""}});
    EXPECT_EQ(exchange->status, 200);
    EXPECT_EQ(exchange->field("Content-Type"), "application/json");
    EXPECT_EQ(exchange->field("Cache-Control"), "no-store");
    EXPECT_TRUE(exchange->field("X-Request-Id").starts_with("req_"));
    EXPECT_EQ(exchange->field("X-Request-Id").size(), 20u);
    expect_response(exchange->json(), 1);
}

TEST(transport, refuses_what_it_cannot_answer_or_read) {
    harness h;
    expect_rpc_error(*h.post(std::string(ping), {{"Accept", "text/html"}}), 406, -32600);
    expect_rpc_error(*h.post(std::string(ping), {{"Content-Type", "text/plain"}}), 415, -32600);
    expect_rpc_error(*h.post(std::string(ping), {{"Content-Type", ""}}), 415, -32600);
    expect_rpc_error(*h.post("{"), 400, -32700);
    expect_rpc_error(*h.post("{}"), 400, -32600);
    EXPECT_FALSE(h.post("{")->json().contains("id"));
}

TEST(transport, refuses_a_body_that_is_too_large) {
    engine_options options;
    options.body_bytes_max = 100;
    harness h(options);
    expect_rpc_error(*h.post(std::string(ping) + std::string(100, ' ')), 413, -32600);
    EXPECT_EQ(h.post(std::string(ping))->status, 200);
}

TEST(transport, other_verbs_are_told_which_ones_there_are) {
    harness h;
    const auto allowed = [&](const char* method, const net::http_fields& fields) {
        const auto exchange = h.make(method, fields, "");
        h.begin(*exchange);
        h.run();
        EXPECT_EQ(exchange->status, 405) << method;
        return exchange->field("Allow");
    };
    for (const char* method : {"PUT", "HEAD", "PATCH", "post"}) EXPECT_EQ(allowed(method, {}), "GET, POST, DELETE");
    EXPECT_EQ(allowed("GET", {{"Accept", "text/event-stream"}}), "POST");  // without a session
    for (const char* method : {"GET", "DELETE"}) {
        EXPECT_EQ(allowed(method, {{"Accept", "text/event-stream"}, {"MCP-Protocol-Version", "2026-07-28"}}), "POST");
    }
}

TEST(transport, the_version_field_is_checked) {
    harness h;
    EXPECT_EQ(h.post(std::string(ping), {{"MCP-Protocol-Version", "2025-06-18"}})->status, 200);
    expect_rpc_error(*h.post(std::string(ping), {{"MCP-Protocol-Version", "2025-01-01"}}), 400, -32022);
    expect_rpc_error(
        *h.post(std::string(ping), {{"MCP-Protocol-Version", "2025-06-18"}, {"MCP-Protocol-Version", "2025-06-18"}}),
        400, -32600);
}

TEST(transport, notifications_and_responses_are_accepted_without_an_answer) {
    harness h;
    for (const char* body :
         {R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
          R"({"jsonrpc":"2.0","method":"notifications/of-tomorrow","params":{"x":1}})",
          R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}})",
          R"({"jsonrpc":"2.0","method":"notifications/cancelled"})", R"({"jsonrpc":"2.0","id":5,"result":{}})",
          R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}})"}) {
        const auto exchange = h.post(body);
        EXPECT_EQ(exchange->status, 202) << body;
        EXPECT_EQ(exchange->body, "");
    }
    EXPECT_TRUE(h.backend.calls.empty());
}

TEST(transport, a_client_that_takes_events_only_gets_events) {
    harness h;
    const auto exchange = h.post(std::string(ping), {{"Accept", "text/event-stream"}});
    EXPECT_EQ(exchange->status, 200);
    EXPECT_EQ(exchange->field("Content-Type"), "text/event-stream");
    EXPECT_TRUE(exchange->has_finished);
    const event_stream stream = exchange->events();
    EXPECT_TRUE(stream.is_whole);
    ASSERT_EQ(stream.messages.size(), 1u);
    expect_response(stream.messages[0], 1);
}

}  // namespace
}  // namespace common::mcp::test
