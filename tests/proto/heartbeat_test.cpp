// Pings in silence, and the end of a link whose other side is gone.
#include <gtest/gtest.h>

#include "proto/limits.hpp"
#include "tests/proto/link_pair.hpp"

namespace proto {
namespace {

using test::link_pair;

TEST(heartbeat, silent_link_stays_up_by_pings) {
    link_pair p;
    p.establish();
    for (int second = 0; second < 600; ++second) {
        p.now += 1000;
        p.agent->on_tick(p.now);
        p.hub->on_tick(p.now);
        p.run();
    }
    EXPECT_EQ(p.hub_close_code(), 0);
    EXPECT_EQ(p.agent_close_code(), 0);
    EXPECT_LE(p.to_hub.size() + p.to_agent.size(), 2 * 2 * 600U / 15);
    EXPECT_GE(p.to_hub.size() + p.to_agent.size(), 600U / 15);
}

// Ticked only when it asks for it, as by a timer.
TEST(heartbeat, the_hub_says_when_it_is_due) {
    link_pair p;
    p.open();
    EXPECT_EQ(p.hub->next_tick_ms(), p.now + limits::handshake_ms_max);
    p.run();
    ASSERT_TRUE(p.hub->is_established());
    EXPECT_EQ(p.hub->next_tick_ms(), p.now + limits::heartbeat_ms);
    for (int beat = 0; beat < 20; ++beat) {
        p.now = p.hub->next_tick_ms();
        p.to_agent.clear();
        p.hub->on_tick(p.now);
        p.run();
        EXPECT_EQ(p.to_agent.size(), 1U);
    }
    // Nobody answers any more.
    const auto last_heard = p.now;
    while (p.hub->is_established()) {
        ASSERT_GT(p.hub->next_tick_ms(), p.now);
        p.now = p.hub->next_tick_ms();
        p.hub->on_tick(p.now);
        p.hub->flush(p.now);
    }
    EXPECT_EQ(p.now, last_heard + limits::link_dead_ms);
}

TEST(heartbeat, the_agent_says_when_it_is_due) {
    link_pair p;
    p.hub_config.heartbeat_ms = 2000;
    p.open();
    EXPECT_EQ(p.agent->next_tick_ms(), p.now + limits::handshake_agent_ms_max);
    p.run();
    ASSERT_TRUE(p.agent->is_established());
    for (int beat = 0; beat < 20; ++beat) {
        ASSERT_EQ(p.agent->next_tick_ms(), p.now + 2000);
        p.now = p.agent->next_tick_ms();
        p.to_hub.clear();
        p.agent->on_tick(p.now);
        p.run();
        EXPECT_EQ(p.to_hub.size(), 1U);
    }
    // Nobody answers any more.
    const auto last_heard = p.now;
    while (p.agent->is_established()) {
        ASSERT_GT(p.agent->next_tick_ms(), p.now);
        p.now = p.agent->next_tick_ms();
        p.agent->on_tick(p.now);
        p.agent->flush(p.now);
    }
    EXPECT_EQ(p.now, last_heard + 6000);
}

TEST(heartbeat, busy_link_needs_no_pings) {
    link_pair p;
    p.establish();
    for (std::int64_t second = 1; second <= 60; ++second) {
        p.now += 1000;
        p.agent->send_event(second, second - 1, "{}");
        p.run();
        p.hub->acknowledge_events(second);
        p.run();
        p.agent->on_tick(p.now);
        p.hub->on_tick(p.now);
        EXPECT_FALSE(p.agent->has_output());
        EXPECT_FALSE(p.hub->has_output());
    }
}

TEST(heartbeat, each_side_gives_up_on_a_silent_peer) {
    link_pair p;
    p.establish();
    const auto start = p.now;
    const auto id = p.call();
    for (; p.now < start + limits::link_dead_ms - 1000; p.now += 1000) {
        p.agent->on_tick(p.now);
        p.hub->on_tick(p.now);
        p.agent->flush(p.now);  // into the void
        p.hub->flush(p.now);
    }
    EXPECT_TRUE(p.hub->is_established());
    p.now = start + limits::link_dead_ms;
    p.agent->on_tick(p.now);
    p.hub->on_tick(p.now);
    p.run();
    EXPECT_EQ(p.hub_close_code(), 1001);
    EXPECT_EQ(p.agent_close_code(), 1001);
    EXPECT_EQ(p.of_hub<hub_action::reply_failed>().at(0).id, id);
}

TEST(heartbeat, follows_the_interval_of_the_welcome) {
    link_pair p;
    p.hub_config.heartbeat_ms = 2000;
    p.establish();
    p.agent->on_tick(p.now + 1999);
    EXPECT_FALSE(p.agent->has_output());
    p.agent->on_tick(p.now + 2000);
    EXPECT_TRUE(p.agent->has_output());
}

TEST(heartbeat, ping_is_answered_with_its_own_number) {
    link_pair p;
    p.establish();
    std::string ping;
    append_ping(ping, 77);
    p.agent->on_message(ping, p.now);
    const auto messages = p.agent->flush(p.now);
    ASSERT_EQ(messages.size(), 1U);
    std::string pong;
    append_pong(pong, 77);
    EXPECT_EQ(messages[0], pong);
}

}  // namespace
}  // namespace proto
