// The handshake: every way through it, and every way that it must not go.
#include <gtest/gtest.h>

#include "proto/limits.hpp"
#include "tests/proto/link_pair.hpp"

namespace proto {
namespace {

using test::link_pair;

constexpr auto protocol = static_cast<std::uint16_t>(close_code::protocol);
constexpr auto unauthorized = static_cast<std::uint16_t>(close_code::auth);
constexpr auto key_conflict = static_cast<std::uint16_t>(close_code::key_conflict);

// The frames of a message that the agent would send in that state.
std::string handshake_message(frame_type type, std::string_view json) {
    std::string out;
    append_handshake(out, type, json);
    return out;
}

TEST(handshake, establishes_both_sides) {
    link_pair p;
    p.open();
    p.run();
    ASSERT_TRUE(p.hub->is_established());
    ASSERT_TRUE(p.agent->is_established());
    ASSERT_EQ(p.of_hub<hub_action::verified>().size(), 1U);
    EXPECT_EQ(p.of_hub<hub_action::verified>()[0].next_counter, 5U);
    EXPECT_FALSE(p.of_hub<hub_action::verified>()[0].hub_restored);
    EXPECT_EQ(p.of_hub<hub_action::established>()[0].hello.machine_id, "m_1");
    EXPECT_EQ(p.of_hub<hub_action::established>()[0].epoch, 3);
    EXPECT_EQ(p.hub->epoch(), 3);
    const auto welcome = p.of_agent<agent_action::established>().at(0).welcome;
    EXPECT_EQ(welcome.link_counter, 5U);
    EXPECT_EQ(welcome.epoch, 3);
    EXPECT_EQ(welcome.heartbeat_ms, limits::heartbeat_ms);
    EXPECT_EQ(welcome.machine_name, "box");
    EXPECT_EQ(p.to_hub.size(), 2U);    // hello, auth: a message each
    EXPECT_EQ(p.to_agent.size(), 2U);  // challenge, welcome
    EXPECT_FALSE(p.hub->welcome_acknowledged());
}

TEST(handshake, works_behind_a_proxy_that_ends_tls_unless_the_machine_forbids_it) {
    link_pair p;
    p.hub_config.tls_exporter.clear();
    p.open();
    p.run();
    EXPECT_TRUE(p.agent->is_established());

    link_pair strict;
    strict.hub_config.tls_exporter.clear();
    strict.agent_config.exporter_required = true;
    strict.open();
    strict.run();
    EXPECT_EQ(strict.agent_close_code(), unauthorized);
}

TEST(handshake, other_tls_connection_in_between_is_noticed) {
    link_pair p;
    p.agent_config.tls_exporter = std::string(32, 'x');
    p.open();
    p.run();
    EXPECT_EQ(p.agent_close_code(), unauthorized);
    link_pair none;
    none.agent_config.tls_exporter.clear();
    none.open();
    none.run();
    EXPECT_EQ(none.agent_close_code(), unauthorized);
}

TEST(handshake, machine_with_another_key_is_refused) {
    link_pair p;
    p.agent_config.sign = [](std::string_view text) { return test::fake_sign("other-key", text); };
    p.open();
    p.run();
    EXPECT_EQ(p.hub_close_code(), unauthorized);
    EXPECT_TRUE(p.of_hub<hub_action::verified>().empty());
    EXPECT_FALSE(p.agent->is_established());
}

TEST(handshake, hub_with_another_key_or_origin_gets_no_signature) {
    link_pair p;
    p.hub_config.sign = [](std::string_view text) { return test::fake_sign("other-key", text); };
    p.open();
    p.run();
    EXPECT_EQ(p.agent_close_code(), unauthorized);
    EXPECT_EQ(p.to_hub.size(), 1U);  // the hello only
    link_pair origin;
    origin.hub_config.hub_origin = "https://evil";
    origin.open();
    origin.run();
    EXPECT_EQ(origin.agent_close_code(), unauthorized);
    link_pair kid;
    kid.hub_config.hub_kid = "hk2";
    kid.open();
    kid.run();
    EXPECT_EQ(kid.agent_close_code(), unauthorized);
}

TEST(handshake, recorded_one_is_worth_nothing) {
    link_pair recorded;
    recorded.open();
    recorded.run();
    ASSERT_EQ(recorded.to_hub.size(), 2U);

    link_pair p;
    int nonces = 0;
    p.hub_config.make_nonce = [&] { return std::string(31, 'z') + static_cast<char>('0' + nonces++); };
    p.open();
    p.inject(recorded.to_hub[0]);
    p.inject(recorded.to_hub[1]);
    EXPECT_EQ(p.hub_close_code(), unauthorized);

    // And the hub's side, replayed to an agent.
    link_pair q;
    q.agent_config.make_nonce = [] { return std::string(32, 'y'); };
    q.open();
    q.agent->on_message(recorded.to_agent[0], q.now);
    q.run();
    EXPECT_EQ(q.agent_close_code(), unauthorized);
}

TEST(handshake, copied_key_is_detected_after_it_was_proven) {
    link_pair p;
    p.record.link_counter = 6;  // presented 4
    p.open();
    p.run();
    EXPECT_EQ(p.hub_close_code(), key_conflict);
    ASSERT_EQ(p.of_hub<hub_action::key_conflict>().size(), 1U);
    EXPECT_EQ(p.of_hub<hub_action::key_conflict>()[0].stored_counter, 6U);

    link_pair forger;
    forger.record.link_counter = 6;
    forger.agent_config.sign = [](std::string_view text) { return test::fake_sign("other-key", text); };
    forger.open();
    forger.run();
    EXPECT_EQ(forger.hub_close_code(), unauthorized);
    EXPECT_TRUE(forger.of_hub<hub_action::key_conflict>().empty());
}

TEST(handshake, lost_welcomes_are_forgiven_unless_the_counter_is_in_use) {
    link_pair p;
    p.record.link_counter = 5;
    p.open();
    p.run();
    ASSERT_TRUE(p.hub->is_established());
    EXPECT_EQ(p.of_hub<hub_action::verified>()[0].next_counter, 5U) << "given again";

    link_pair live;
    live.record.link_counter = 5;
    live.record.given_to_live_link = true;
    live.open();
    live.run();
    EXPECT_EQ(live.hub_close_code(), key_conflict);
}

TEST(handshake, machine_ahead_of_a_restored_hub_is_accepted_and_marked) {
    link_pair p;
    p.record.link_counter = 1;
    p.open();
    p.run();
    ASSERT_TRUE(p.hub->is_established());
    EXPECT_TRUE(p.of_hub<hub_action::verified>()[0].hub_restored);
    EXPECT_EQ(p.of_hub<hub_action::verified>()[0].next_counter, 5U);
}

TEST(handshake, driver_may_refuse_at_both_questions) {
    link_pair unknown;
    unknown.answers = false;
    unknown.open();
    unknown.run();
    unknown.hub->refuse(close_code::auth, "unknown machine");
    unknown.run();
    EXPECT_EQ(unknown.hub_close_code(), unauthorized);

    link_pair revoked;
    revoked.answers = false;
    revoked.open();
    revoked.run();
    revoked.hub->accept_hello(revoked.record, revoked.now, 0);
    revoked.run();
    ASSERT_EQ(revoked.of_hub<hub_action::verified>().size(), 1U);
    revoked.hub->refuse(close_code::revoked, "revoked");
    revoked.run();
    EXPECT_EQ(revoked.hub_close_code(), static_cast<std::uint16_t>(close_code::revoked));
    EXPECT_FALSE(revoked.agent->is_established());
}

TEST(handshake, answers_in_other_states_are_without_effect) {
    link_pair p;
    p.answers = false;
    p.open();
    p.hub->accept_hello(p.record, p.now, 0);
    p.hub->admit(p.admitted);
    p.hub->refuse(close_code::auth, "x");
    EXPECT_TRUE(p.hub->flush(p.now).empty());
    p.run();
    p.hub->admit(p.admitted);
    EXPECT_FALSE(p.hub->is_established());
}

TEST(handshake, hub_needs_a_version_in_common) {
    link_pair p;
    p.agent_config.greeting.proto = {2, 3};
    p.open();
    p.run();
    EXPECT_EQ(p.hub_close_code(), protocol);
}

TEST(handshake, anything_out_of_order_ends_it) {
    std::string ping;
    append_ping(ping, 1);
    std::string reply;
    append_reply(reply, 1, "{}", true);
    const std::string first[] = {ping,
                                 reply,
                                 handshake_message(frame_type::auth, "{}"),
                                 handshake_message(frame_type::welcome, "{}"),
                                 handshake_message(frame_type::hello, "{}"),
                                 "",
                                 "x"};
    for (const auto& message : first) {
        link_pair p;
        p.open();
        p.inject(message);
        EXPECT_EQ(p.hub_close_code(), protocol);
        link_pair q;
        q.open();
        q.agent->on_message(message, q.now);
        q.run();
        EXPECT_EQ(q.agent_close_code(), protocol);
    }
}

TEST(handshake, hello_twice_or_two_frames_at_once_end_it) {
    link_pair p;
    p.answers = false;
    p.open();
    const auto hello = p.agent->flush(p.now).at(0);
    p.inject(hello);
    p.inject(hello);  // the driver has not answered the first yet
    EXPECT_EQ(p.hub_close_code(), protocol);

    link_pair q;
    q.open();
    std::string two = q.agent->flush(q.now).at(0);
    append_ping(two, 1);
    q.inject(two);
    EXPECT_EQ(q.hub_close_code(), protocol);
}

TEST(handshake, unproven_peer_costs_little) {
    link_pair big;
    big.open();
    big.inject(handshake_message(frame_type::hello, std::string(limits::handshake_frame_bytes_max + 1, ' ')));
    EXPECT_EQ(big.hub_close_code(), static_cast<std::uint16_t>(close_code::too_big));

    link_pair many;
    many.open();
    std::string ignorable("\0\0\0\0\xC8\0", 6);
    for (int i = 0; i <= limits::handshake_frames_max; ++i) many.inject(ignorable);
    EXPECT_EQ(many.hub_close_code(), protocol);
}

TEST(handshake, slow_one_is_cut_on_both_sides) {
    link_pair p;
    p.open();
    p.hub->on_tick(p.now + limits::handshake_ms_max - 1);
    EXPECT_EQ(p.hub_close_code(), 0);
    p.hub->on_tick(p.now + limits::handshake_ms_max);
    p.agent->on_tick(p.now + limits::handshake_agent_ms_max);
    p.run();
    EXPECT_EQ(p.hub_close_code(), unauthorized);
    EXPECT_EQ(p.agent_close_code(), static_cast<std::uint16_t>(close_code::going_away));
}

TEST(handshake, nonce_expires) {
    link_pair p;
    p.answers = false;
    p.open();
    p.run();
    p.hub->accept_hello(p.record, p.now, 0);
    p.now += limits::handshake_nonce_ms_max;
    p.run();
    EXPECT_EQ(p.hub_close_code(), unauthorized);
}

TEST(handshake, cut_at_every_message_leaves_both_sides_closed_once) {
    for (std::size_t messages = 0; messages < 4; ++messages) {
        link_pair p;
        p.answers = true;
        p.open();
        std::size_t moved = 0;
        while (moved < messages) {
            for (const auto& m : p.agent->flush(p.now))
                if (moved < messages) ++moved, p.inject(m);
            for (const auto& m : p.hub->flush(p.now))
                if (moved < messages) ++moved, p.agent->on_message(m, p.now);
        }
        p.hub->on_closed(1006, "");
        p.agent->on_closed(1006, "");
        p.run();
        EXPECT_EQ(p.hub_close_code(), 1006);
        EXPECT_EQ(p.agent_close_code(), 1006);
        EXPECT_FALSE(p.of_hub<hub_action::closed>()[0].close_needed);
        p.hub->on_tick(p.now + 1'000'000);
        p.hub->on_closed(1006, "");
        p.run();
        EXPECT_EQ(p.of_hub<hub_action::closed>().size(), 1U);
    }
}

}  // namespace
}  // namespace proto
