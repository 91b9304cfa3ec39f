// Calls whose client loses its stream, or is sent away, and comes back for the rest (2025-11-25, Last-Event-ID).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

using outcome = boost::asio::awaitable<proto::result<void>>;

constexpr const char* with_token = R"(,"_meta":{"progressToken":1})";

engine_options with_sizes(std::size_t stream_bytes, std::chrono::milliseconds resume_within) {
    engine_options options;
    options.stream_bytes_kept_max = stream_bytes;
    options.resume_within = resume_within;
    return options;
}

// A call that tells progress, then waits to be let go on.
struct paused_call {
    explicit paused_call(engine_options options = {}, std::string_view version = "2025-11-25")
        : h(std::move(options), everything()), go_on(h.io), session(h.initialize(version)) {
        h.backend.scripted = [this](const tool_call&, call_reply& reply) -> outcome {
            reply.on_cancel([this] {
                ++cancellations;
                go_on.open();
            });
            co_await reply.progress(1, std::nullopt, "");
            if (retry) co_await reply.pause_stream(*retry);
            is_paused = true;
            co_await go_on.wait();
            is_alive = co_await reply.progress(2, std::nullopt, "");
            if (!fails)
                is_alive = co_await reply.write(result);
            else
                co_await reply.write("{");
            if (fails) co_return proto::fail(proto::error_code::internal, "x");
            co_return proto::result<void>{};
        };
        call = h.make_post(call_body("scripted", with_token), {{"Mcp-Session-Id", session}});
    }
    void begin() {
        h.begin(*call);
        h.run_until([&] { return is_paused; });
    }
    std::unique_ptr<fake_exchange> come_back(const std::string& id) {
        auto exchange = h.make_get(session, id);
        h.begin(*exchange);
        return exchange;
    }

    harness h;
    gate go_on;
    std::string session;
    std::unique_ptr<fake_exchange> call;
    std::optional<std::chrono::milliseconds> retry;
    std::string result{text_result};
    bool fails = false;
    bool is_paused = false;
    bool is_alive = false;
    int cancellations = 0;
};

TEST(resumed_call, goes_on_when_its_stream_breaks_and_is_told_in_full) {
    paused_call p;
    p.begin();
    const event_stream seen = p.call->events();
    ASSERT_EQ(seen.messages.size(), 1u);
    EXPECT_NE(seen.primed_by, "");
    p.call->close_by_peer();
    p.h.io.poll();
    const auto early = p.come_back(seen.ids[1]);
    p.h.run_until([&] { return early->has_started; });
    p.go_on.open();
    p.h.run();
    EXPECT_EQ(p.cancellations, 0);
    EXPECT_TRUE(p.is_alive);
    EXPECT_TRUE(early->has_finished);
    ASSERT_EQ(early->events().messages.size(), 2u);
    EXPECT_EQ(early->events().messages[0]["params"]["progress"], 2);
    expect_response(early->events().messages[1], 7);
    // Again from the beginning, now that all is over: the same events under the same ids.
    const auto late = p.come_back(seen.primed_by);
    p.h.run();
    EXPECT_EQ(late->events().messages.size(), 3u);
    EXPECT_EQ(late->events().ids.size(), 3u);
    EXPECT_EQ(late->events().ids[0], seen.ids[1]);
}

TEST(resumed_call, is_sent_away_with_a_time_to_come_back) {
    for (const bool has_started : {true, false}) {
        paused_call p;
        p.retry = std::chrono::milliseconds(500);
        if (!has_started) {
            p.call = p.h.make_post(call_body("scripted"), {{"Mcp-Session-Id", p.session}});
        }
        p.begin();
        EXPECT_TRUE(p.call->has_finished);
        EXPECT_EQ(p.call->events().retry, 500);
        EXPECT_NE(p.call->events().primed_by, "");
        EXPECT_EQ(p.call->field("Connection"), has_started ? "" : "close");
        p.go_on.open();
        p.h.run();
        const auto rest = p.come_back(p.call->events().ids.back());
        p.h.run();
        expect_response(rest->events().messages.back(), 7);
    }
}

TEST(resumed_call, is_not_sent_away_where_it_could_not_come_back) {
    for (const char* version : {"2025-06-18", "2025-03-26"}) {
        paused_call p({}, version);
        p.retry = std::chrono::milliseconds(500);
        p.begin();
        EXPECT_FALSE(p.call->has_finished);
        p.go_on.open();
        p.h.run();
        EXPECT_TRUE(p.call->has_finished);
        EXPECT_EQ(p.call->events().primed_by, "");
        EXPECT_EQ(p.call->events().messages.size(), 3u);
    }
    paused_call stateless;
    stateless.retry = std::chrono::milliseconds(500);
    stateless.call = stateless.h.make_post(call_body("scripted", with_token));
    stateless.begin();
    EXPECT_FALSE(stateless.call->has_finished);
    stateless.go_on.open();
    stateless.h.run();
    EXPECT_TRUE(stateless.call->events().ids.empty());
}

TEST(resumed_call, ends_when_nobody_comes_back) {
    paused_call p(with_sizes(1'000'000, std::chrono::milliseconds(0)));
    p.begin();
    p.call->close_by_peer();
    p.h.run();
    EXPECT_EQ(p.cancellations, 1);
    EXPECT_FALSE(p.is_alive);
}

TEST(resumed_call, a_reader_that_leaves_may_come_again) {
    paused_call p;
    p.begin();
    const std::string id = p.call->events().ids[1];
    p.call->close_by_peer();
    const auto first = p.come_back(id);
    p.h.run_until([&] { return first->has_started; });
    const auto second = p.come_back(id);  // while the engine still holds the first for alive
    p.h.run_to_end(*first);
    second->close_by_peer();
    p.h.run_to_end(*second);
    p.go_on.open();
    const auto third = p.come_back(id);
    p.h.run();
    EXPECT_EQ(third->events().messages.size(), 2u);
}

TEST(resumed_call, what_outgrew_its_room_is_told_as_lost) {
    paused_call p(with_sizes(2000, std::chrono::hours(1)));
    p.result = R"({"content":[{"type":"text","text":")" + std::string(5000, 'x') + "\"}]}";
    p.begin();
    p.go_on.open();
    p.h.run();
    expect_response(p.call->events().messages.back(), 7);  // who stayed got it
    const auto rest = p.come_back(p.call->events().primed_by);
    p.h.run();
    ASSERT_EQ(rest->events().messages.size(), 1u);
    EXPECT_EQ(rest->events().messages[0]["error"]["code"], -32603);
    EXPECT_EQ(rest->events().messages[0]["id"], 7);
}

TEST(resumed_call, what_broke_off_is_told_as_lost) {
    paused_call p;
    p.fails = true;
    p.begin();
    p.go_on.open();
    p.h.run();
    EXPECT_TRUE(p.call->was_aborted);
    const auto rest = p.come_back(p.call->events().primed_by);
    p.h.run();
    ASSERT_EQ(rest->events().messages.size(), 1u);
    EXPECT_EQ(rest->events().messages[0]["error"]["code"], -32603);
}

TEST(resumed_call, a_restarted_server_answers_what_it_lost) {
    paused_call p;
    p.begin();
    p.go_on.open();
    p.h.run();
    harness after({}, everything());
    after.session_versions = p.h.session_versions;
    const auto rest = after.make_get(p.session, p.call->events().primed_by);
    after.begin(*rest);
    after.run();
    ASSERT_EQ(rest->events().messages.size(), 1u);
    EXPECT_EQ(rest->events().messages[0]["id"], 7);
    EXPECT_TRUE(rest->events().messages[0].contains("error"));
}

TEST(resumed_call, streams_of_others_cannot_be_read) {
    paused_call p;
    p.begin();
    const std::string id = p.call->events().primed_by;
    p.go_on.open();
    p.h.run();
    const std::string other = p.h.initialize("2025-11-25");
    const auto in_other_session = p.h.make_get(other, id);
    p.h.begin(*in_other_session);
    p.h.run();
    expect_rpc_error(*in_other_session, 400, -32600);
    const auto by_stranger = p.h.make_get(p.session, id);
    p.h.begin(*by_stranger, p.h.stranger);
    p.h.run();
    expect_rpc_error(*by_stranger, 404, -32001);
}

TEST(resumed_call, finished_streams_make_room_for_new_ones) {
    engine_options options;
    options.streams_kept_max = 1;
    paused_call p(options);
    p.begin();
    p.go_on.open();
    p.h.run();
    const std::string first = p.call->events().primed_by;
    const auto again = p.h.post(call_body("scripted", with_token), {{"Mcp-Session-Id", p.session}});
    EXPECT_NE(again->events().primed_by, "");
    const auto rest = p.come_back(first);
    p.h.run();
    EXPECT_TRUE(rest->events().messages[0].contains("error"));
}

}  // namespace
}  // namespace common::mcp::test
