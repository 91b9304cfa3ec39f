// Who may end the waiting of a call, and how its back end learns of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/common/mcp/harness.hpp"

namespace common::mcp::test {
namespace {

using outcome = boost::asio::awaitable<proto::result<void>>;

// A call that lasts until it is cancelled or released.
struct lasting_call {
    explicit lasting_call(harness& h) : ended(h.io) {
        h.backend.scripted = [this](const tool_call&, call_reply& reply) -> outcome {
            ++running;
            reply.on_cancel([this] {
                ++cancellations;
                ended.open();
            });
            co_await ended.wait();
            --running;
            if (cancellations == 0) {
                is_client_there = co_await reply.write(text_result);
                co_return proto::result<void>{};
            }
            co_return proto::fail(proto::error_code::cancelled, "The client cancelled the call.");
        };
    }

    gate ended;
    int running = 0;
    int cancellations = 0;
    bool is_client_there = true;
};

void run_until(harness& h, const std::function<bool()>& condition) {
    h.io.restart();
    while (!condition() && h.io.run_one() > 0) {
    }
    EXPECT_TRUE(condition());
}

std::string cancel_body(std::string_view raw_id) {
    return fmt::format(
        R"({{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{},"reason":"x"}}}})", raw_id);
}

// Runs a call, sends the cancellation, and tells whether it reached the call.
struct attempt {
    net::http_fields call_fields, cancel_fields;
    std::string call_id = "7", cancel_id = "7";
    bool by_stranger = false;
};

bool reaches(harness& h, const attempt& what) {
    lasting_call lasting(h);
    const auto call = h.make_post(call_body("scripted", "", what.call_id), what.call_fields);
    h.begin(*call);
    run_until(h, [&] { return lasting.running == 1; });
    const auto cancel = h.make_post(cancel_body(what.cancel_id), what.cancel_fields);
    h.begin(*cancel, what.by_stranger ? h.stranger : h.who);
    run_until(h, [&] { return cancel->is_answered(); });
    EXPECT_EQ(cancel->status, 202);
    h.io.poll();
    lasting.ended.open();
    h.run();
    EXPECT_TRUE(call->is_answered());
    EXPECT_LE(lasting.cancellations, 1);
    return lasting.cancellations == 1;
}

TEST(cancellation, ends_the_waiting_of_the_same_sessions_call) {
    harness h;
    const net::http_fields session{{"Mcp-Session-Id", h.initialize("2025-11-25")}};
    const net::http_fields other{{"Mcp-Session-Id", h.initialize("2025-11-25")}};
    EXPECT_TRUE(reaches(h, {session, session}));
    EXPECT_TRUE(reaches(h, {session, session, R"("a-1")", R"("a-1")"}));
    EXPECT_TRUE(reaches(h, {{}, {}}));
    EXPECT_FALSE(reaches(h, {session, other}));
    EXPECT_FALSE(reaches(h, {session, {}}));
    EXPECT_FALSE(reaches(h, {{}, session}));
    EXPECT_FALSE(reaches(h, {session, session, "7", "8"}));
    EXPECT_FALSE(reaches(h, {session, session, "7", R"("7")"}));
    EXPECT_FALSE(reaches(h, {{}, {}, "7", "7", true}));
    EXPECT_FALSE(reaches(h, {{}, {}, "7", R"({"x":1})"}));
}

TEST(cancellation, is_answered_with_what_the_back_end_makes_of_it) {
    harness h;
    lasting_call lasting(h);
    const auto call = h.make_post(call_body("scripted"));
    h.begin(*call);
    run_until(h, [&] { return lasting.running == 1; });
    const auto cancel = h.make_post(cancel_body("7"));
    h.begin(*cancel);
    h.run();
    EXPECT_EQ(call->json()["result"]["_meta"]["codez/error"]["code"], "cancelled");
}

TEST(cancellation, two_stateless_calls_with_one_id_are_left_alone) {
    harness h;
    lasting_call lasting(h);
    const auto one = h.make_post(call_body("scripted"));
    const auto two = h.make_post(call_body("scripted"));
    h.begin(*one);
    h.begin(*two);
    run_until(h, [&] { return lasting.running == 2; });
    const auto cancel = h.make_post(cancel_body("7"));
    h.begin(*cancel);
    run_until(h, [&] { return cancel->is_answered(); });
    h.io.poll();
    EXPECT_EQ(lasting.cancellations, 0);
    lasting.ended.open();
    h.run();
}

TEST(cancellation, reaches_every_call_of_who_is_shut_out_and_nobody_elses) {
    harness h;
    lasting_call lasting(h);
    const auto mine = h.make_post(call_body("scripted"));
    const auto theirs = h.make_post(call_body("scripted"));
    h.begin(*mine);
    h.begin(*theirs, h.stranger);
    run_until(h, [&] { return lasting.running == 2; });
    h.subject.shut_out([](const proto::principal& who) { return who.client_id == "k_2"; });
    run_until(h, [&] { return lasting.cancellations > 0; });
    h.run();
    EXPECT_EQ(lasting.cancellations, 1);
    EXPECT_EQ(theirs->json()["result"]["_meta"]["codez/error"]["code"], "cancelled");
}

TEST(cancellation, a_closed_response_tells_the_back_end_too) {
    harness h;
    lasting_call lasting(h);
    const auto call = h.make_post(call_body("scripted"));
    h.begin(*call);
    run_until(h, [&] { return lasting.running == 1; });
    call->close_by_peer();
    h.run();
    EXPECT_EQ(lasting.cancellations, 1);
    EXPECT_FALSE(call->is_answered());
}

TEST(cancellation, writing_to_a_client_that_has_gone_is_told) {
    harness h;
    gate closed(h.io);
    bool is_running = false;
    bool is_alive = true;
    h.backend.scripted = [&](const tool_call&, call_reply& reply) -> outcome {
        is_running = true;
        co_await closed.wait();
        co_await reply.progress(1, std::nullopt, "");
        is_alive = co_await reply.write(text_result);
        co_return proto::result<void>{};
    };
    const auto call = h.make_post(call_body("scripted", R"(,"_meta":{"progressToken":1})"));
    h.begin(*call);
    run_until(h, [&] { return is_running; });
    call->close_by_peer();
    closed.open();
    h.run();
    EXPECT_FALSE(is_alive);
}

TEST(cancellation, a_listener_that_comes_late_is_still_told_and_a_removed_one_is_not) {
    harness h;
    for (const bool is_removed : {false, true}) {
        gate closed(h.io);
        gate told(h.io);
        bool is_running = false;
        int tellings = 0;
        h.backend.scripted = [&](const tool_call&, call_reply& reply) -> outcome {
            if (is_removed) {
                reply.on_cancel([&] { ++tellings; });
                reply.on_cancel({});
            }
            is_running = true;
            co_await closed.wait();
            if (is_removed) co_return proto::fail(proto::error_code::cancelled, "x");
            reply.on_cancel([&] {
                ++tellings;
                told.open();
            });
            EXPECT_EQ(tellings, 0);
            co_await told.wait();
            co_return proto::fail(proto::error_code::cancelled, "x");
        };
        const auto call = h.make_post(call_body("scripted"));
        h.begin(*call);
        run_until(h, [&] { return is_running; });
        call->close_by_peer();
        closed.open();
        h.run();
        EXPECT_EQ(tellings, is_removed ? 0 : 1);
    }
}

}  // namespace
}  // namespace common::mcp::test
