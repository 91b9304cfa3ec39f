// One connection against the hub's own side of the protocol, in memory.
#include "agent/link/connection.hpp"

#include "tests/agent/link/connection_fixture.hpp"

namespace agent::link::test {
namespace {

using events::test::made;

TEST_F(connection_test, stores_the_counter_before_it_serves) {
    establish();
    EXPECT_EQ(stored_, std::vector<std::uint64_t>{1});
    EXPECT_TRUE(hub_->established());
    const auto reply = finished(hub_->call("quick", "{}"));
    EXPECT_EQ(reply.bytes, R"({"ok":true})");
    EXPECT_TRUE(reply.whole);
}

TEST_F(connection_test, a_counter_that_cannot_be_stored_ends_the_connection) {
    begin(false);
    until([this] { return end_.has_value(); });
    EXPECT_EQ(end_->code, static_cast<std::uint16_t>(proto::close_code::going_away));
    EXPECT_TRUE(end_->was_established);
}

TEST_F(connection_test, refusals_are_handed_on_with_code_and_reason) {
    begin();
    hub_->refusal = std::pair(proto::close_code::revoked, "This machine was revoked.");
    until([this] { return end_.has_value(); });
    EXPECT_EQ(end_->code, static_cast<std::uint16_t>(proto::close_code::revoked));
    EXPECT_EQ(end_->reason, "This machine was revoked.");
    EXPECT_FALSE(end_->was_established);
    EXPECT_TRUE(stored_.empty());
}

TEST_F(connection_test, errors_progress_and_bugs_reach_the_caller) {
    establish();
    const auto failed = finished(hub_->call("fail", "{}"));
    ASSERT_TRUE(failed.error);
    EXPECT_EQ(failed.error->code, error_code::session_busy);
    EXPECT_EQ(failed.error->hint, "Later.");
    const auto broken = finished(hub_->call("throw", "{}"));
    ASSERT_TRUE(broken.error);
    EXPECT_EQ(broken.error->code, error_code::internal);
    EXPECT_EQ(broken.error->message.find("a bug"), std::string::npos) << "its text stays here";
    EXPECT_EQ(bugs_, std::vector<std::string>{"a bug"});
    EXPECT_EQ(finished(hub_->call("progress", "{}", "w", 30'000, true)).progress, std::vector<double>{0.5});
    EXPECT_EQ(finished(hub_->call("broken", "{}")).error->code, error_code::internal);
    EXPECT_TRUE(finished(hub_->call("quick", "{}")).whole) << "and the link lives on";
}

TEST_F(connection_test, calls_of_another_workspace_are_refused) {
    establish();
    for (const char* workspace : {"w_other", "local", "x"}) {
        const auto refused = finished(hub_->call("quick", "{}", workspace));
        ASSERT_TRUE(refused.error) << workspace;
        EXPECT_EQ(refused.error->code, error_code::permission_denied);
    }
    EXPECT_EQ(tools_.calls, 0);
}

TEST_F(connection_test, large_results_wait_for_credit) {
    establish();
    hub_->grants_credit = false;
    tools_.size = 1u << 20;
    const auto id = hub_->call("large", "{}");
    settle();
    EXPECT_EQ(hub_->calls[id].bytes.size(), proto::limits::call_credit_bytes);
    EXPECT_TRUE(finished(hub_->call("quick", "{}")).whole) << "others go on meanwhile";
    while (!hub_->calls[id].whole) {
        hub_->grant(id, 100'000);
        settle();
    }
    EXPECT_EQ(hub_->calls[id].bytes.size(), tools_.size + 8);
    EXPECT_EQ(tools_.heard_whole, 1);
}

TEST_F(connection_test, a_hub_that_never_takes_an_answer_does_not_hold_it_for_ever) {
    establish();
    hub_->grants_credit = false;
    tools_.size = 1u << 20;
    const auto id = hub_->call("large", "{}");
    settle();
    hub_->cancel(id);
    until([this] { return tools_.unheard == 1; });
    EXPECT_TRUE(finished(hub_->call("quick", "{}")).whole);
}

TEST_F(connection_test, while_the_socket_takes_nothing_what_is_queued_is_bounded) {
    establish();
    tools_.size = 2u << 20;
    wire_->blocked = true;
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 10; ++i) ids.push_back(hub_->call("large", "{}"));
    settle();
    // One link's output bound in the socket's queue and one in the link's own, and the pieces that crossed them.
    EXPECT_LE(wire_->queued, 3 * proto::limits::link_output_bytes_max);
    EXPECT_EQ(tools_.heard_whole, 0);
    wire_->unblock();
    for (const auto id : ids) EXPECT_TRUE(finished(id).whole);
    EXPECT_EQ(tools_.heard_whole, 10);
}

TEST_F(connection_test, cancelling_ends_the_waiting_whenever_it_comes) {
    establish();
    const auto early = hub_->call("wait", "{}");
    settle();
    hub_->cancel(early);
    until([this] { return tools_.cancellations == 1; });

    tools_.late = true;  // cancelled before the handler asked to be told
    const auto late = hub_->call("wait", "{}");
    settle();
    hub_->cancel(late);
    settle();
    tools_.cancel_now = true;
    tools_.go.notify_all();
    until([this] { return tools_.cancellations == 2; });
    EXPECT_TRUE(finished(hub_->call("quick", "{}")).whole);
}

TEST_F(connection_test, a_link_that_ends_ends_the_waiting_of_its_calls) {
    establish();
    hub_->call("wait", "{}");
    settle();
    wire_->cut();
    until([this] { return end_ && tools_.cancellations == 1; });
    EXPECT_EQ(end_->code, 1006);
    EXPECT_FALSE(link_->established());
}

TEST_F(connection_test, events_are_pushed_once_and_in_order_from_where_the_hub_was) {
    append({made("s", "session.created"), made("s", "message.created"), made("s", "session.idle"),
            made("t", "session.created")});
    begin();
    hub_->admitted.ack_seq = 1;
    until([this] { return hub_->events.size() == 2; });
    EXPECT_EQ(hub_->events[0].seq, 3);
    EXPECT_EQ(hub_->events[0].previous_seq, 1);
    EXPECT_EQ(hub_->events[1].seq, 4);
    EXPECT_EQ(hub_->events[1].previous_seq, 3);
    const auto body = nlohmann::json::parse(hub_->events[0].json);
    EXPECT_EQ(body["type"], "session.idle");
    EXPECT_EQ(body["session_id"], "s");
    EXPECT_EQ(body.size(), 3u) << "what was said stays on the machine";

    append({made("s", "message.created"), made("s", "session.error", R"({"error":"private"})")});
    until([this] { return hub_->events.size() == 3; });
    EXPECT_EQ(hub_->events[2].seq, 6);
    EXPECT_EQ(hub_->events[2].previous_seq, 4);
    EXPECT_EQ(hub_->events[2].json.find("private"), std::string::npos);
}

TEST_F(connection_test, a_hub_that_acknowledges_nothing_gets_a_bounded_number) {
    std::vector<events::new_event> many(3000, made("s", "session.updated"));
    append(std::move(many));
    begin();
    hub_->acknowledges = false;
    until([this] { return hub_->events.size() >= proto::limits::events_unacknowledged_max; });
    settle();
    EXPECT_EQ(hub_->events.size(), proto::limits::events_unacknowledged_max);
    hub_->acknowledges = true;
    hub_->acknowledge(hub_->events.back().seq);
    until([this] { return hub_->events.size() == 3000; });
    std::int64_t previous = 0;
    for (const auto& e : hub_->events) {
        EXPECT_EQ(e.previous_seq, previous);
        previous = e.seq;
    }
}

TEST_F(connection_test, many_changes_make_few_snapshots) {
    engine_.add("s", "/srv/work").session.title = "T";
    session::pending_permission asked;
    asked.session_id = "s";
    engine_.sessions["s"].pending = {asked, asked};
    establish();
    until([this] { return hub_->snapshots.size() == 1; });
    ASSERT_EQ(hub_->snapshots[0].sessions.size(), 1u);
    EXPECT_EQ(hub_->snapshots[0].sessions[0].title, "T");
    EXPECT_EQ(hub_->snapshots[0].sessions[0].pending_permissions, 2);
    EXPECT_TRUE(hub_->snapshots[0].complete);
    engine_.add("t", "/srv/work");
    for (int i = 0; i < 100; ++i) link_->sessions_changed();
    until([this] { return hub_->snapshots.size() == 2; });
    EXPECT_EQ(hub_->snapshots[1].sessions.size(), 2u);
    settle();
    EXPECT_EQ(hub_->snapshots.size(), 2u);
}

TEST_F(connection_test, more_sessions_than_fit_are_cut_to_the_newest) {
    for (int i = 0; i < 490; ++i) engine_.add(fmt::format("s{:03}", i), "/" + std::string(4000, 'x'), 1'000 + i);
    establish();
    until([this] { return hub_->snapshots.size() == 1; });
    const auto& sent = hub_->snapshots[0];
    EXPECT_FALSE(sent.complete);
    ASSERT_GT(sent.sessions.size(), 50u);
    EXPECT_LT(sent.sessions.size(), 490u);
    EXPECT_EQ(sent.sessions.front().id, "s489");
}

TEST_F(connection_test, draining_ends_the_waiting_and_lets_calls_answer_here) {
    establish();
    const auto waiting = hub_->call("wait", "{}");
    hub_->grants_credit = false;
    tools_.size = 1u << 20;
    const auto answering = hub_->call("large", "{}");
    settle();
    ASSERT_FALSE(hub_->calls[waiting].whole);
    hub_->drain();
    EXPECT_TRUE(finished(waiting).whole) << "told how far it is";
    EXPECT_TRUE(link_->draining());
    EXPECT_EQ(told_draining_, 1);
    EXPECT_FALSE(hub_->drained);
    hub_->grants_credit = true;
    hub_->grant(answering, proto::limits::call_credit_bytes);
    EXPECT_TRUE(finished(answering).whole);
    until([this] { return end_.has_value(); });
    EXPECT_EQ(end_->code, static_cast<std::uint16_t>(proto::close_code::draining));
    EXPECT_TRUE(end_->was_established);
}

TEST_F(connection_test, closing_says_why) {
    establish();
    link_->close(proto::close_code::going_away, "The agent stops.");
    until([this] { return end_ && hub_->closed; });
    EXPECT_EQ(hub_->closed->reason, "The agent stops.");
}

TEST_F(connection_test, a_hub_without_the_pinned_key_is_left) {
    begin();
    hub_ = std::make_unique<fake_hub>(
        wire_, [](std::string_view, std::string_view) { return true; },
        [](std::string_view) { return std::string("forged"); }, "https://hub", "k");
    until([this] { return end_.has_value(); });
    EXPECT_EQ(end_->code, static_cast<std::uint16_t>(proto::close_code::auth));
    EXPECT_FALSE(end_->was_established);
    EXPECT_TRUE(stored_.empty());
}

}  // namespace
}  // namespace agent::link::test
