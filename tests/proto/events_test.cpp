// Events, their acknowledgement and back-pressure, and the session snapshots.
#include <gtest/gtest.h>

#include "proto/limits.hpp"
#include "tests/proto/link_pair.hpp"

namespace proto {
namespace {

using send_result = agent_link::send_result;
using test::link_pair;

session_summary session_in(const std::string& cwd) {
    session_summary s;
    s.id = "s1";
    s.cwd = cwd;
    return s;
}

TEST(events, arrive_in_order_with_what_was_before_them) {
    link_pair p;
    p.establish();
    EXPECT_EQ(p.agent->send_event(10, 7, R"({"type":"a"})"), send_result::sent);
    EXPECT_EQ(p.agent->send_event(12, 10, R"({"type":"b"})"), send_result::sent);
    p.run();
    const auto events = p.of_hub<hub_action::event_received>();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].seq, 10);
    EXPECT_EQ(events[0].previous_seq, 7);
    EXPECT_EQ(events[1].json, R"({"type":"b"})");
}

TEST(events, acknowledgements_of_a_turn_leave_as_one) {
    link_pair p;
    p.establish();
    for (std::int64_t seq = 1; seq <= 100; ++seq) p.agent->send_event(seq, seq - 1, "{}");
    p.run();
    p.clear();
    for (std::int64_t seq = 1; seq <= 100; ++seq) p.hub->acknowledge_events(seq);
    p.hub->acknowledge_events(50);
    EXPECT_TRUE(p.hub->has_output());
    p.run();
    ASSERT_EQ(p.to_agent.size(), 1U);
    ASSERT_EQ(p.of_agent<agent_action::events_acknowledged>().size(), 1U);
    EXPECT_EQ(p.of_agent<agent_action::events_acknowledged>()[0].seq, 100);
    EXPECT_FALSE(p.hub->has_output());
}

TEST(events, hub_cannot_acknowledge_what_it_has_not_got) {
    link_pair p;
    p.establish();
    p.agent->send_event(5, 0, "{}");
    p.run();
    p.clear();
    p.hub->acknowledge_events(1000);
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::events_acknowledged>().at(0).seq, 5);
    EXPECT_EQ(p.agent_close_code(), 0);
}

TEST(events, wait_while_too_many_are_unacknowledged) {
    link_pair p;
    p.establish();
    std::int64_t seq = 0;
    while (p.agent->send_event(seq + 1, seq, "{}") == send_result::sent) ++seq;
    EXPECT_EQ(seq, static_cast<std::int64_t>(limits::events_unacknowledged_max));
    p.run();
    EXPECT_TRUE(p.of_agent<agent_action::output_available>().empty());
    p.hub->acknowledge_events(10);
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::output_available>().size(), 1U);
    for (int i = 0; i < 10; ++i, ++seq) EXPECT_EQ(p.agent->send_event(seq + 1, seq, "{}"), send_result::sent);
    EXPECT_EQ(p.agent->send_event(seq + 1, seq, "{}"), send_result::wait);
}

TEST(events, wait_while_the_output_is_full) {
    link_pair p;
    p.establish();
    const auto event = "{\"a\":\"" + std::string(300'000, 'x') + "\"}";
    std::int64_t seq = 0;
    while (p.agent->send_event(seq + 1, seq, event) == send_result::sent) ++seq;
    EXPECT_EQ(seq, 4);
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::output_available>().size(), 1U);
    EXPECT_EQ(p.of_hub<hub_action::event_received>().size(), 4U);
}

TEST(events, oversized_one_is_left_out_and_shows_as_a_hole) {
    link_pair p;
    p.establish();
    p.agent->send_event(1, 0, "{}");
    EXPECT_EQ(p.agent->send_event(2, 1, std::string(limits::event_bytes_max + 1, 'x')), send_result::refused);
    p.agent->send_event(3, 2, "{}");
    p.run();
    const auto events = p.of_hub<hub_action::event_received>();
    ASSERT_EQ(events.size(), 2U);
    EXPECT_GT(events[1].previous_seq, events[0].seq);
}

TEST(events, ones_that_the_hub_would_not_let_pass_are_left_out) {
    link_pair p;
    p.establish();
    EXPECT_EQ(p.agent->send_event(5, 0, "{}"), send_result::sent);
    for (const auto* json : {"", "[]", "{}{}", R"({"half":"\uD83D"})", "{\"a\":\"\xFF\"}"})
        EXPECT_EQ(p.agent->send_event(6, 5, json), send_result::refused) << json;
    EXPECT_EQ(p.agent->send_event(5, 0, "{}"), send_result::refused);
    EXPECT_EQ(p.agent->send_event(7, 7, "{}"), send_result::refused);
    EXPECT_EQ(p.agent->send_event(7, -1, "{}"), send_result::refused);
    p.run();
    EXPECT_EQ(p.hub_close_code(), 0);
}

TEST(events, largest_event_fits) {
    link_pair p;
    p.establish();
    const auto event = "{\"a\":\"" + std::string(limits::event_bytes_max - 8, 'x') + "\"}";
    p.agent->send_event(1, 0, "{}");
    EXPECT_EQ(p.agent->send_event(2, 1, event), send_result::sent);
    p.run();
    ASSERT_EQ(p.hub_close_code(), 0);
    EXPECT_EQ(p.of_hub<hub_action::event_received>().at(1).json, event);
}

TEST(events, need_an_established_link) {
    link_pair p;
    p.open();
    EXPECT_EQ(p.agent->send_event(1, 0, "{}"), send_result::closed);
    EXPECT_EQ(p.agent->send_sessions({}), send_result::closed);
    p.run();
    p.agent->close(close_code::going_away, "shutting down");
    EXPECT_EQ(p.agent->send_event(1, 0, "{}"), send_result::closed);
}

TEST(sessions, snapshot_reaches_the_hub) {
    link_pair p;
    p.establish();
    const sessions_snapshot snapshot{{session_in("/home")}, true};
    EXPECT_EQ(p.agent->send_sessions(snapshot), send_result::sent);
    p.run();
    ASSERT_EQ(p.of_hub<hub_action::sessions_received>().size(), 1U);
    EXPECT_EQ(p.of_hub<hub_action::sessions_received>()[0].snapshot, snapshot);
    EXPECT_TRUE(p.hub->welcome_acknowledged());
}

TEST(sessions, long_titles_are_shortened_between_characters) {
    link_pair p;
    p.establish();
    auto session = session_in("/home");
    while (session.title.size() < 2000) session.title += "\xE2\x82\xAC";
    session.model = std::string(500, 'm');
    EXPECT_EQ(p.agent->send_sessions({{session}, true}), send_result::sent);
    p.run();
    ASSERT_EQ(p.hub_close_code(), 0);
    const auto title = p.of_hub<hub_action::sessions_received>().at(0).snapshot.sessions.at(0).title;
    EXPECT_TRUE(session.title.starts_with(title));
    EXPECT_EQ(title.size() % 3, 0U);
    EXPECT_GT(title.size(), 400U);
}

TEST(sessions, snapshot_beyond_the_limits_is_refused_before_it_is_sent) {
    link_pair p;
    p.establish();
    sessions_snapshot many;
    many.sessions.assign(limits::sessions_max + 1, session_in(""));
    EXPECT_EQ(p.agent->send_sessions(many), send_result::refused);
    sessions_snapshot fat;
    fat.sessions.assign(300, session_in(std::string(4000, 'c')));
    EXPECT_EQ(p.agent->send_sessions(fat), send_result::refused);
    EXPECT_FALSE(p.agent->has_output());
}

}  // namespace
}  // namespace proto
