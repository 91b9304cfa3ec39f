// What a compromised machine may send to a hub (and a compromised hub to a machine): nothing forged gets through, the
// link ends with its code, and the calls on it fail.
#include <random>

#include <gtest/gtest.h>

#include "proto/limits.hpp"
#include "tests/proto/link_pair.hpp"

namespace proto {
namespace {

using test::link_pair;

std::string reply(std::uint64_t id, std::string_view bytes, bool fin = true) {
    std::string out;
    append_reply(out, id, bytes, fin);
    return out;
}

// Call 1 is open; `messages` come from the machine. What the hub passed on must be the beginning of one object.
void expect_cut(const std::vector<std::string>& messages, std::uint16_t code = 4400) {
    link_pair p;
    p.establish();
    p.call();
    p.run();
    for (const auto& message : messages) p.inject(message);
    EXPECT_EQ(p.hub_close_code(), code);
    const auto failed = p.of_hub<hub_action::reply_failed>();
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_TRUE(failed[0].link_lost);
    for (const auto& chunk : p.of_hub<hub_action::reply_chunk>()) EXPECT_FALSE(chunk.fin);
    json_scanner scanner;
    EXPECT_NE(scanner.feed(p.passed_on(1)), json_scanner::status::error);
    // Nothing more comes of a closed link.
    p.inject(reply(1, "{}"));
    EXPECT_TRUE(p.of_hub<hub_action::closed>().size() == 1 && p.hub->flush(p.now).empty());
    EXPECT_TRUE(std::holds_alternative<hub_action::closed>(p.hub_actions.back()));
}

TEST(hostile_machine, forged_results_never_end_well) {
    expect_cut({reply(1, "[]")});
    expect_cut({reply(1, "{}{}")});
    expect_cut({reply(1, "{\"a\":1},\"id\":7,\"jsonrpc\":\"2.0\"}")});
    expect_cut({reply(1, "{\"a\":\"\n\ndata: {}\"}")});
    expect_cut({reply(1, "{\"a\":1")});
    expect_cut({reply(1, "")});
    expect_cut({reply(1, "{\"a\":\"\xED\xA0\x80\"}")});
    expect_cut({reply(1, "{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}")});
}

TEST(hostile_machine, cut_pieces_do_not_help) {
    expect_cut({reply(1, "{\"a\":\"\xE2\x82", false), reply(1, "\"}", true)});
    expect_cut({reply(1, "{}", false), reply(1, "\nevent: x", true)});
    expect_cut({reply(1, "{}", false), reply(1, " ", false), reply(1, "{", true)});
    expect_cut({reply(1, "{\"a\":\"\\", false), reply(1, "x\"}", true)});
}

TEST(hostile_machine, ids_that_were_never_issued_end_the_link) {
    expect_cut({reply(2, "{}")});
    expect_cut({reply(0, "{}")});
    expect_cut({reply(UINT64_MAX, "{}")});
    std::string progress;
    append_progress(progress, 2, "{\"progress\":1}");
    expect_cut({progress});
}

TEST(hostile_machine, cannot_send_beyond_its_credit) {
    std::vector<std::string> messages{reply(1, "{\"a\":\"", false)};
    const std::string chunk(limits::reply_chunk_bytes_max, 'x');
    for (std::size_t sent = 0; sent <= limits::call_credit_bytes; sent += chunk.size())
        messages.push_back(reply(1, chunk, false));
    expect_cut(messages);
}

TEST(hostile_machine, messages_and_frames_are_bounded) {
    expect_cut({std::string(limits::link_message_to_hub_bytes_max + 1, 'x')}, 4413);
    expect_cut({reply(1, std::string(limits::reply_chunk_bytes_max + 1, 'x'), false)}, 4413);
    std::string huge("\xFF\xFF\xFF\xFF\x11\0", 6);
    expect_cut({huge}, 4413);
}

TEST(hostile_machine, errors_must_be_envelopes) {
    for (const auto* text : {"", "{}", "oops", "{\"code\":\"internal\",\"message\":\"m\"}{}"}) {
        std::string out;
        append_reply_error(out, 1, text);
        expect_cut({out});
    }
}

TEST(hostile_machine, progress_events_and_sessions_are_checked) {
    std::string out;
    append_progress(out, 1, "{\"progress\":\"x\"}");
    expect_cut({out});
    out.clear();
    append_event(out, 5, 4, "{}{}");
    expect_cut({out});
    out.clear();
    append_event(out, 5, 4, "{}");
    append_event(out, 5, 4, "{}");
    expect_cut({out});
    out.clear();
    append_sessions(out, "{\"sessions\":[{}],\"complete\":true}");
    expect_cut({out});
}

TEST(hostile_machine, cannot_speak_as_a_hub) {
    std::string call;
    append_call(call, 1, "{}", "{}");
    std::string credit;
    append_credit(credit, 1, 1);
    std::string cancel;
    append_cancel(cancel, 1);
    std::string ack;
    append_ack(ack, 1);
    std::string drain;
    append_drain(drain);
    std::string hello;
    append_handshake(hello, frame_type::hello, "{}");
    std::string unknown("\0\0\0\0\x64\0", 6);
    for (const auto& message : {call, credit, cancel, ack, drain, hello, unknown, std::string()}) expect_cut({message});
}

TEST(hostile_machine, flood_of_pings_does_not_grow_the_queue) {
    link_pair p;
    p.establish();
    std::string pings;
    while (pings.size() + 14 < limits::link_message_to_hub_bytes_max) append_ping(pings, 1);
    for (int i = 0; i < 5; ++i) p.inject(pings);
    EXPECT_EQ(p.hub_close_code(), 0);
    std::size_t queued = 0;
    for (const auto& message : p.hub->flush(p.now)) queued += message.size();
    EXPECT_LE(queued, limits::link_output_bytes_max + limits::kib);
}

TEST(hostile_machine, no_mutation_of_honest_traffic_gets_a_broken_result_through) {
    std::mt19937 random(8);  // fixed: a failure is repeatable
    for (int round = 0; round < 500; ++round) {
        link_pair p;
        p.establish();
        p.call();
        p.call();
        p.run();
        std::string traffic;
        append_reply(traffic, 1, R"({"content":[{"type":"text","text":"\u20ac )", false);
        append_reply(traffic, 2, "{\"a\":\"\xE2\x82\xAC\"}", true);
        append_event(traffic, 9, 8, R"({"type":"session.idle"})");
        append_reply(traffic, 1, R"("}],"isError":false})", true);
        append_ping(traffic, 3);
        for (auto count = 1 + random() % 3; count > 0; --count)
            traffic[random() % traffic.size()] = static_cast<char>(random() % 3 == 0 ? random() : '"');
        p.inject(traffic);
        p.run();
        for (const std::uint64_t id : {1U, 2U}) {
            json_scanner scanner;
            const auto status = scanner.feed(p.passed_on(id));
            ASSERT_NE(status, json_scanner::status::error) << p.passed_on(id);
            for (const auto& chunk : p.of_hub<hub_action::reply_chunk>())
                if (chunk.id == id && chunk.fin) ASSERT_EQ(status, json_scanner::status::complete);
        }
        ASSERT_LE(p.of_hub<hub_action::closed>().size(), 1U);
    }
}

// --- The other way round ---

void expect_agent_cut(const std::string& message, std::uint16_t code = 4400) {
    link_pair p;
    p.establish();
    p.call();
    p.run();
    p.clear();
    p.agent->on_message(message, p.now);
    p.run();
    EXPECT_EQ(p.agent_close_code(), code);
    EXPECT_TRUE(p.of_agent<agent_action::call_received>().empty());
    EXPECT_FALSE(p.agent->is_open(1));
}

TEST(hostile_hub, is_held_to_the_protocol) {
    const auto header = encode(test::header_of("send_prompt"));
    std::string out;
    append_call(out, 1, header, "{}");  // the id is used
    expect_agent_cut(out);
    out.clear();
    append_call(out, 0, header, "{}");
    expect_agent_cut(out);
    out.clear();
    append_credit(out, 2, 1);
    expect_agent_cut(out);
    out.clear();
    append_cancel(out, 2);
    expect_agent_cut(out);
    out.clear();
    append_ack(out, 1);  // no event was sent
    expect_agent_cut(out);
    expect_agent_cut(reply(1, "{}"));
    out.clear();
    append_sessions(out, "{}");
    expect_agent_cut(out);
    out.clear();
    append_handshake(out, frame_type::welcome, "{}");
    expect_agent_cut(out);
    expect_agent_cut("");
    expect_agent_cut(std::string("\xFF\xFF\xFF\xFF\x10\0", 6), 4413);
}

TEST(hostile_hub, call_with_a_broken_header_fails_alone) {
    link_pair p;
    p.establish();
    const auto good = p.call();
    p.run();
    std::string out;
    append_call(out, 2, R"({"tool":"send_prompt"})", "{}");
    p.agent->on_message(out, p.now);
    EXPECT_FALSE(p.agent->is_open(2));
    EXPECT_TRUE(p.agent->is_open(good));
    const auto messages = p.agent->flush(p.now);
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_NE(messages[0].find("workspace_id"), std::string::npos);
    EXPECT_TRUE(p.agent->is_established());
}

TEST(hostile_hub, cannot_open_calls_without_end) {
    link_pair p;
    p.establish();
    const auto header = encode(test::header_of("send_prompt"));
    for (std::uint64_t id = 1; id <= limits::calls_in_flight_max + 1; ++id) {
        std::string out;
        append_call(out, id, header, "{}");
        p.agent->on_message(out, p.now);
    }
    p.run();
    EXPECT_EQ(p.agent_close_code(), 4400);
}

TEST(hostile_hub, credit_does_not_overflow) {
    link_pair p;
    p.establish();
    const auto id = p.call();
    p.run();
    for (int i = 0; i < 100; ++i) {
        std::string out;
        append_credit(out, id, 0xFFFFFFFF);
        p.agent->on_message(out, p.now);
    }
    EXPECT_EQ(p.agent->reply_chunk(id, "{}"), 2U);
}

}  // namespace
}  // namespace proto
