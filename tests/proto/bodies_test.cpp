// What follows a call's arguments: pieces under credit, early ends, and peers that do not keep to it.
#include <gtest/gtest.h>

#include "proto/limits.hpp"
#include "tests/proto/link_pair.hpp"

namespace proto {
namespace {

using test::header_of;
using test::link_pair;

constexpr std::size_t window = limits::call_credit_bytes;

std::uint64_t call_with_body(link_pair& p, std::size_t bytes) {
    auto header = header_of("codez.upload");
    header.body_bytes = bytes;
    const auto id = p.hub->send_call(header, "{}");
    EXPECT_TRUE(id);
    return id.value_or(0);
}

std::string body_frame_of(std::uint64_t id, std::string_view bytes) {
    std::string out;
    append_body(out, id, bytes);
    return out;
}

std::string credit_frame_of(std::uint64_t id, std::uint32_t bytes) {
    std::string out;
    append_body_credit(out, id, bytes);
    return out;
}

std::string received(const link_pair& p) {
    std::string all;
    for (const auto& piece : p.of_agent<agent_action::body_received>()) all += piece.bytes;
    return all;
}

TEST(bodies, arrive_whole_and_say_when_they_have) {
    link_pair p;
    p.establish();
    const auto id = call_with_body(p, 6);
    EXPECT_EQ(p.hub->send_body(id, "abc"), 3U);
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::call_received>().at(0).header.body_bytes, 6U);
    EXPECT_FALSE(p.of_agent<agent_action::body_received>().back().last);
    EXPECT_EQ(p.hub->send_body(id, "defghi"), 3U) << "no more than was announced";
    p.run();
    EXPECT_TRUE(p.of_agent<agent_action::body_received>().back().last);
    EXPECT_EQ(received(p), "abcdef");
    p.agent->reply_chunk(id, "{}");
    p.agent->finish(id);
    p.run();
    EXPECT_EQ(p.passed_on(id), "{}");
    EXPECT_EQ(p.hub->send_body(id, "x"), 0U);
}

TEST(bodies, wait_for_credit_and_go_on_when_it_comes) {
    link_pair p;
    p.establish();
    const std::string file(5 * window + 7, 'f');
    const auto id = call_with_body(p, file.size());
    std::size_t sent = p.hub->send_body(id, file);
    EXPECT_EQ(sent, window);
    p.run();
    EXPECT_EQ(received(p).size(), window);
    EXPECT_EQ(p.hub->send_body(id, std::string_view(file).substr(sent)), 0U);
    std::size_t granted = 0;
    while (sent < file.size()) {
        const auto wanted = p.of_hub<hub_action::body_wanted>().size();
        const auto stored = std::min(received(p).size() - granted, window / 4);
        ASSERT_GT(stored, 0U);
        p.agent->grant_body(id, stored);
        granted += stored;
        p.run();
        if (p.of_hub<hub_action::body_wanted>().size() == wanted) continue;
        sent += p.hub->send_body(id, std::string_view(file).substr(sent));
        p.run();
        EXPECT_LE(received(p).size() - granted, window) << "never more on its way than the window";
    }
    EXPECT_EQ(received(p), file);
    EXPECT_TRUE(p.of_agent<agent_action::body_received>().back().last);
    const auto messages = p.to_hub.size();
    p.agent->grant_body(id, window);
    p.run();
    EXPECT_EQ(p.to_hub.size(), messages) << "nothing more is to come";
}

TEST(bodies, a_full_link_makes_the_sender_wait_too) {
    link_pair p;
    p.establish();
    constexpr std::size_t fitting = limits::link_output_bytes_max / window;
    std::vector<std::uint64_t> ids;
    for (std::size_t i = 0; i <= fitting; ++i) ids.push_back(call_with_body(p, 2 * window));
    for (std::size_t i = 0; i < fitting; ++i) p.hub->send_body(ids[i], std::string(window, 'x'));
    const auto taken = p.hub->send_body(ids.back(), std::string(window, 'x'));
    EXPECT_LT(taken, window);
    p.run();
    const auto wanted = p.of_hub<hub_action::body_wanted>();
    ASSERT_FALSE(wanted.empty());
    EXPECT_EQ(wanted.back().id, ids.back());
    EXPECT_EQ(p.hub->send_body(ids.back(), std::string(window - taken, 'x')), window - taken);
}

TEST(bodies, an_early_answer_ends_them) {
    link_pair p;
    p.establish();
    const auto id = call_with_body(p, 2 * window);
    EXPECT_EQ(p.hub->send_body(id, std::string(100, 'x')), 100U);
    p.run();
    p.agent->reply_error(id, {error_code::resource_exhausted, "The disk is full.", "", {}}, "req_1");
    EXPECT_EQ(p.hub->send_body(id, std::string(100, 'x')), 100U) << "crosses the error";
    p.run();
    EXPECT_EQ(p.of_hub<hub_action::reply_failed>().at(0).error.code, error_code::resource_exhausted);
    EXPECT_EQ(received(p).size(), 100U);
    EXPECT_TRUE(p.hub->is_established() && p.agent->is_established());
}

TEST(bodies, cancelling_drops_what_is_on_its_way) {
    link_pair p;
    p.establish();
    const auto id = call_with_body(p, window);
    p.hub->send_body(id, "half");
    p.run();
    p.hub->cancel(id);
    p.inject(credit_frame_of(id, 5));
    p.run();
    EXPECT_EQ(p.of_agent<agent_action::cancel_received>().size(), 1U);
    p.agent->grant_body(id, window);
    p.agent->on_message(body_frame_of(id, "late"), p.now);
    EXPECT_EQ(received(p), "half");
    EXPECT_TRUE(p.hub->is_established() && p.agent->is_established());
}

TEST(bodies, go_only_to_machines_that_take_them) {
    link_pair p;
    p.agent_config.greeting.abilities = {};
    p.agent = std::make_unique<agent_link>(p.agent_config);
    p.establish();
    auto header = header_of("codez.upload");
    header.body_bytes = 1;
    EXPECT_EQ(p.hub->send_call(header, "{}").error().code, error_code::unsupported_by_machine);
    header.body_bytes = 0;
    EXPECT_TRUE(p.hub->send_call(header, "{}"));
}

TEST(bodies, have_a_largest_size) {
    link_pair p;
    p.establish();
    auto header = header_of("codez.upload");
    header.body_bytes = limits::call_body_bytes_max + 1;
    EXPECT_EQ(p.hub->send_call(header, "{}").error().code, error_code::invalid_argument);
    EXPECT_FALSE(decode_call_header(encode(header))) << "and no hub may ask for more";
}

// The machine, call 1 open with a body of 10 bytes, call 2 without.
void expect_hub_cut(const std::string& message) {
    link_pair p;
    p.establish();
    call_with_body(p, 10);
    p.call();
    p.run();
    p.inject(message);
    EXPECT_EQ(p.hub_close_code(), 4400);
}

TEST(hostile_body_machine, credit_must_be_for_a_body) {
    expect_hub_cut(credit_frame_of(3, 1));
    expect_hub_cut(credit_frame_of(2, 1));
    expect_hub_cut(body_frame_of(1, "x"));
}

TEST(hostile_body_machine, credit_beyond_the_window_counts_for_nothing) {
    link_pair p;
    p.establish();
    const auto id = call_with_body(p, 8 * window);
    p.hub->send_body(id, std::string(window, 'x'));
    p.run();
    for (int i = 0; i < 10; ++i) p.inject(credit_frame_of(id, 0xFFFFFFFF));
    EXPECT_EQ(p.hub->send_body(id, std::string(4 * window, 'x')), window);
}

// The hub, call 1 open with a body of 10 bytes, call 2 with a large one, call 3 without.
void expect_agent_cut(const std::string& message) {
    link_pair p;
    p.establish();
    call_with_body(p, 10);
    call_with_body(p, 4 * window);
    p.call();
    p.run();
    p.agent->on_message(message, p.now);
    p.run();
    EXPECT_EQ(p.agent_close_code(), 4400);
}

TEST(hostile_body_hub, is_held_to_length_and_credit) {
    expect_agent_cut(body_frame_of(1, std::string(11, 'x')));
    expect_agent_cut(body_frame_of(3, "x"));
    expect_agent_cut(body_frame_of(4, "x"));
    expect_agent_cut(body_frame_of(1, ""));
    expect_agent_cut(credit_frame_of(1, 1));
    std::string beyond;
    for (std::size_t sent = 0; sent <= window; sent += limits::reply_chunk_bytes_max)
        append_body(beyond, 2, std::string(limits::reply_chunk_bytes_max, 'x'));
    expect_agent_cut(beyond);
}

}  // namespace
}  // namespace proto
