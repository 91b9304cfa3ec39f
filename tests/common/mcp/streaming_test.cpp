// Calls that last, report progress or have large results.
#include <limits>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

using outcome = boost::asio::awaitable<proto::result<void>>;
const net::http_fields json_only{{"Accept", "application/json"}};
const net::http_fields events_only{{"Accept", "text/event-stream"}};

engine_options hasty() {
    engine_options options;
    options.stream_after = std::chrono::milliseconds(0);
    options.comment_every = std::chrono::milliseconds(0);
    options.answer_bytes_buffered_max = 100;
    return options;
}

engine_options patient() {
    engine_options options = hasty();
    options.stream_after = std::chrono::hours(1);
    return options;
}

// Lets everything else that is ready run, timers of zero length included.
boost::asio::awaitable<void> let_others_run() {
    const auto executor = co_await boost::asio::this_coro::executor;
    for (int i = 0; i < 200; ++i) co_await boost::asio::post(executor, boost::asio::use_awaitable);
}

TEST(streaming, a_lasting_call_becomes_an_event_stream_with_comments) {
    harness h(hasty());
    gate enough(h.io);
    h.backend.scripted = [&enough](const tool_call&, call_reply& reply) -> outcome {
        co_await enough.wait();
        co_await reply.write("{\r\n \"content\":");
        co_await reply.write(" [\n]\n");
        co_await let_others_run();
        co_await reply.write("}");
        co_return proto::result<void>{};
    };
    const auto exchange = h.make_post(call_body("scripted", R"(,"_meta":{"progressToken":1})"));
    exchange->after_write = [&] {
        if (exchange->events().comments >= 3) enough.open();
    };
    h.begin(*exchange);
    h.run();
    EXPECT_EQ(exchange->status, 200);
    EXPECT_EQ(exchange->field("Content-Type"), "text/event-stream");
    EXPECT_EQ(exchange->field("Cache-Control"), "no-cache, no-transform");
    EXPECT_EQ(exchange->field("X-Accel-Buffering"), "no");
    EXPECT_NE(exchange->field("X-Request-Id"), "");
    EXPECT_TRUE(exchange->has_finished);
    const event_stream stream = exchange->events();
    EXPECT_TRUE(stream.is_whole) << exchange->body;
    EXPECT_GE(stream.comments, 3);
    ASSERT_EQ(stream.messages.size(), 1u);
    expect_response(stream.messages[0], 7);
    EXPECT_EQ(stream.messages[0]["result"], nlohmann::json::parse(R"({"content":[]})"));
}

TEST(streaming, a_result_that_stalls_half_way_is_not_held_back) {
    harness h(hasty());
    gate flushed(h.io);
    h.backend.scripted = [&flushed](const tool_call&, call_reply& reply) -> outcome {
        co_await reply.write("{\n\"content\"");
        co_await flushed.wait();
        co_await reply.write(":[]}");
        co_return proto::result<void>{};
    };
    const auto exchange = h.make_post(call_body("scripted"));
    exchange->after_write = [&] { flushed.open(); };
    h.begin(*exchange);
    h.run();
    const event_stream stream = exchange->events();
    EXPECT_TRUE(stream.is_whole) << exchange->body;
    EXPECT_EQ(stream.comments, 0);
    ASSERT_EQ(stream.messages.size(), 1u);
    expect_response(stream.messages[0], 7);
}

TEST(streaming, a_client_without_event_streams_gets_its_json_late) {
    harness h(hasty());
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> outcome {
        co_await let_others_run();
        co_await reply.progress(1, 2, "half");
        co_await reply.write(text_result);
        co_return proto::result<void>{};
    };
    const auto exchange = h.post(call_body("scripted", R"(,"_meta":{"progressToken":1})"), json_only);
    EXPECT_TRUE(exchange->has_responded);
    EXPECT_EQ(exchange->field("Content-Type"), "application/json");
    expect_response(exchange->json(), 7);
}

TEST(streaming, a_large_result_is_sent_while_it_arrives) {
    harness h(patient());
    const std::string text(1000, 'x');
    fake_exchange* answered = nullptr;
    h.backend.scripted = [&](const tool_call&, call_reply& reply) -> outcome {
        co_await reply.write(R"({"content":[{"type":"text",)");
        EXPECT_FALSE(answered->has_started);
        co_await reply.write("\n\"text\":\"" + text);
        EXPECT_TRUE(answered->has_started);
        const std::size_t writes = answered->writes;
        co_await reply.write(text);
        EXPECT_EQ(answered->writes, writes + 1);
        co_await reply.write("\"}]}");
        co_return proto::result<void>{};
    };
    const auto exchange = h.make_post(call_body("scripted"));
    answered = exchange.get();
    h.begin(*exchange);
    h.run();
    EXPECT_TRUE(exchange->has_finished);
    EXPECT_EQ(exchange->field("Content-Type"), "application/json");
    expect_response(exchange->json(), 7);
    EXPECT_EQ(exchange->json()["result"]["content"][0]["text"], text + text);
}

TEST(streaming, a_body_that_has_begun_as_json_stays_json) {
    harness h(hasty());
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> outcome {
        const std::string large = R"({"content":[],"x":")" + std::string(500, 'x') + "\"";
        co_await reply.write(large);
        co_await let_others_run();
        co_await reply.progress(1, std::nullopt, "");
        co_await reply.write("}");
        co_return proto::result<void>{};
    };
    const auto exchange = h.post(call_body("scripted", R"(,"_meta":{"progressToken":1})"));
    EXPECT_EQ(exchange->field("Content-Type"), "application/json");
    expect_response(exchange->json(), 7);
}

TEST(streaming, progress_opens_an_event_stream_under_the_clients_token) {
    harness h(patient());
    h.backend.scripted = [](const tool_call& call, call_reply& reply) -> outcome {
        EXPECT_TRUE(call.wants_progress);
        co_await reply.progress(1, 4, "first \"step\"\n");
        co_await reply.progress(1, 4, "not more than before");
        co_await reply.progress(0.5, 4, "less");
        co_await reply.progress(std::numeric_limits<double>::quiet_NaN(), 4, "nothing");
        co_await reply.progress(3, std::numeric_limits<double>::infinity(), "no total");
        co_await reply.progress(2.5, std::nullopt, "bad \xff");
        co_await reply.write(text_result);
        co_await reply.progress(9, std::nullopt, "too late");
        co_return proto::result<void>{};
    };
    const auto exchange = h.post(call_body("scripted", R"(,"_meta":{"progressToken":"t\u00e9"})"));
    const event_stream stream = exchange->events();
    EXPECT_TRUE(stream.is_whole) << exchange->body;
    ASSERT_EQ(stream.messages.size(), 3u);
    const nlohmann::json first = {
        {"jsonrpc", "2.0"},
        {"method", "notifications/progress"},
        {"params", {{"progressToken", "t\u00e9"}, {"progress", 1}, {"total", 4}, {"message", "first \"step\"\n"}}}};
    EXPECT_EQ(stream.messages[0], first);
    EXPECT_EQ(stream.messages[1]["params"]["progress"], 2.5);
    EXPECT_FALSE(stream.messages[1]["params"].contains("total"));
    expect_response(stream.messages[2], 7);
}

TEST(streaming, progress_nobody_asked_for_is_left_out) {
    harness h(patient());
    h.backend.scripted = [](const tool_call& call, call_reply& reply) -> outcome {
        EXPECT_FALSE(call.wants_progress);
        const bool is_alive = co_await reply.progress(1, 2, "x");
        EXPECT_TRUE(is_alive);
        co_await reply.write(text_result);
        co_return proto::result<void>{};
    };
    EXPECT_TRUE(h.post(call_body("scripted"))->has_responded);
}

TEST(streaming, progress_texts_are_bounded) {
    harness h(patient());
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> outcome {
        co_await reply.progress(1, 2, std::string(1'000'000, 'p'));
        co_await reply.write(text_result);
        co_return proto::result<void>{};
    };
    EXPECT_LT(h.post(call_body("scripted", R"(,"_meta":{"progressToken":1})"))->body.size(), 10'000u);
}

TEST(streaming, an_error_on_a_stream_is_a_result_unless_the_result_has_begun) {
    harness h(patient());
    bool has_begun = false;
    h.backend.scripted = [&](const tool_call&, call_reply& reply) -> outcome {
        co_await reply.progress(1, std::nullopt, "");
        if (has_begun) co_await reply.write("{");
        co_return proto::fail(proto::error_code::timeout, "It took too long.");
    };
    const std::string body = call_body("scripted", R"(,"_meta":{"progressToken":1})");
    const auto clean = h.post(body);
    ASSERT_EQ(clean->events().messages.size(), 2u);
    EXPECT_EQ(clean->events().messages[1]["result"]["isError"], true);
    has_begun = true;
    const auto broken = h.post(body);
    EXPECT_TRUE(broken->was_aborted);
    EXPECT_FALSE(broken->has_finished);
}

TEST(streaming, a_client_that_takes_events_only_gets_the_result_as_one) {
    harness h(patient());
    const auto exchange = h.post(call_body("echo", R"(,"arguments":{"a":)"
                                                   "\n1}"),
                                 events_only);
    const event_stream stream = exchange->events();
    EXPECT_TRUE(stream.is_whole);
    ASSERT_EQ(stream.messages.size(), 1u);
    EXPECT_EQ(stream.messages[0]["result"]["structuredContent"]["arguments"]["a"], 1);
}

TEST(streaming, nothing_outlives_its_exchange) {
    harness h(hasty());
    h.backend.scripted = [](const tool_call&, call_reply& reply) -> outcome {
        co_await let_others_run();
        co_await reply.write(text_result);
        co_return proto::result<void>{};
    };
    for (int i = 0; i < 20; ++i) {
        auto exchange = h.make_post(call_body("scripted"));
        h.begin(*exchange);
        h.io.restart();
        while (h.running > 0 && h.io.run_one() > 0) {
        }
        EXPECT_TRUE(exchange->has_finished);
        exchange.reset();  // a comment that were still written would be a use after free
        h.run();
    }
}

}  // namespace
}  // namespace common::mcp::test
