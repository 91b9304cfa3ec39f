// The codec: every frame there and back, every length and flag that a hostile peer may choose.
#include "proto/frame.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "proto/limits.hpp"

namespace proto {
namespace {

using namespace std::string_literals;

std::expected<std::vector<frame>, frame_error> read_all(std::string_view message) {
    std::vector<frame> frames;
    frame_reader reader(message);
    for (;;) {
        auto next = reader.next();
        if (!next) return std::unexpected(next.error());
        if (!*next) return frames;
        frames.push_back(**next);
    }
}

template <class T>
T only(const std::string& message) {
    const auto frames = read_all(message);
    EXPECT_TRUE(frames && frames->size() == 1 && std::holds_alternative<T>(frames->front()));
    return std::get<T>(frames->at(0));
}

std::string raw(std::uint32_t length, int type, int flags, std::string_view payload) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(length >> shift & 0xFF));
    out.push_back(static_cast<char>(type));
    out.push_back(static_cast<char>(flags));
    return out.append(payload);
}
std::string raw(int type, int flags, std::string_view payload) {
    return raw(static_cast<std::uint32_t>(payload.size()), type, flags, payload);
}

void expect_refused(const std::string& message, bool too_big = false) {
    const auto frames = read_all(message);
    ASSERT_FALSE(frames);
    EXPECT_FALSE(frames.error().reason.empty());
    EXPECT_EQ(frames.error().too_big, too_big) << frames.error().reason;
}

TEST(frame, every_type_comes_back) {
    std::string out;
    append_handshake(out, frame_type::challenge, "{}");
    EXPECT_EQ(only<handshake_frame>(out).type, frame_type::challenge);
    EXPECT_EQ(only<handshake_frame>(out).json, "{}");
    out.clear();
    append_call(out, 0x0102030405060708, "{\"h\":1}", "{\"a\":2}");
    EXPECT_EQ(only<call_frame>(out).id, 0x0102030405060708U);
    EXPECT_EQ(only<call_frame>(out).header, "{\"h\":1}");
    EXPECT_EQ(only<call_frame>(out).arguments, "{\"a\":2}");
    out.clear();
    append_reply(out, 9, "{\"x", false);
    EXPECT_EQ(only<reply_frame>(out).bytes, "{\"x");
    EXPECT_FALSE(only<reply_frame>(out).fin);
    EXPECT_FALSE(only<reply_frame>(out).error);
    out.clear();
    append_reply(out, 9, "", true);
    EXPECT_TRUE(only<reply_frame>(out).fin);
    out.clear();
    append_reply_error(out, 9, "{}");
    EXPECT_TRUE(only<reply_frame>(out).fin && only<reply_frame>(out).error);
    out.clear();
    append_credit(out, 1, 0xFFFFFFFF);
    EXPECT_EQ(only<credit_frame>(out).bytes, 0xFFFFFFFFU);
    out.clear();
    append_cancel(out, UINT64_MAX);
    EXPECT_EQ(only<cancel_frame>(out).id, UINT64_MAX);
    out.clear();
    append_progress(out, 2, "{}");
    EXPECT_EQ(only<progress_frame>(out).json, "{}");
    out.clear();
    append_ask(out, 2, 0xFFFFFFFF, "{}");
    EXPECT_EQ(only<ask_frame>(out).id, 2U);
    EXPECT_EQ(only<ask_frame>(out).number, 0xFFFFFFFFU);
    EXPECT_EQ(only<ask_frame>(out).json, "{}");
    out.clear();
    append_answers(out, 3, 4, "{\"a\":1}");
    EXPECT_EQ(only<answers_frame>(out).id, 3U);
    EXPECT_EQ(only<answers_frame>(out).number, 4U);
    EXPECT_EQ(only<answers_frame>(out).json, "{\"a\":1}");
    out.clear();
    append_withdraw(out, 5, 6);
    EXPECT_EQ(only<withdraw_frame>(out).id, 5U);
    EXPECT_EQ(only<withdraw_frame>(out).number, 6U);
    out.clear();
    append_body(out, 3, "\0\n"s);
    EXPECT_EQ(only<body_frame>(out).id, 3U);
    EXPECT_EQ(only<body_frame>(out).bytes, "\0\n"s);
    out.clear();
    append_body_credit(out, 3, 70'000);
    EXPECT_EQ(only<body_credit_frame>(out).bytes, 70'000U);
    out.clear();
    append_event(out, INT64_MAX, 3, "{}");
    EXPECT_EQ(only<event_frame>(out).seq, INT64_MAX);
    EXPECT_EQ(only<event_frame>(out).previous_seq, 3);
    EXPECT_EQ(only<event_frame>(out).json, "{}");
    out.clear();
    append_ack(out, 0);
    EXPECT_EQ(only<ack_frame>(out).seq, 0);
    out.clear();
    append_sessions(out, "{}");
    EXPECT_EQ(only<sessions_frame>(out).json, "{}");
    out.clear();
    append_ping(out, 5);
    EXPECT_EQ(only<ping_frame>(out).nonce, 5U);
    out.clear();
    append_pong(out, 6);
    EXPECT_EQ(only<pong_frame>(out).nonce, 6U);
    out.clear();
    append_drain(out);
    only<drain_frame>(out);
}

TEST(frame, several_share_a_message_in_order) {
    std::string out;
    append_ping(out, 1);
    append_reply(out, 2, "abc", false);
    append_drain(out);
    const auto frames = read_all(out);
    ASSERT_TRUE(frames);
    ASSERT_EQ(frames->size(), 3U);
    EXPECT_TRUE(std::holds_alternative<ping_frame>((*frames)[0]));
    EXPECT_TRUE(std::holds_alternative<reply_frame>((*frames)[1]));
    EXPECT_TRUE(std::holds_alternative<drain_frame>((*frames)[2]));
}

TEST(frame, a_message_cut_anywhere_is_refused) {
    std::string out;
    append_call(out, 7, "{}", "{}");
    for (std::size_t length = 0; length < out.size(); ++length) expect_refused(out.substr(0, length));
    std::string two = out + out;
    for (std::size_t length = out.size() + 1; length < two.size(); ++length) expect_refused(two.substr(0, length));
}

TEST(frame, lengths_that_lie_are_refused) {
    expect_refused(raw(0xFFFFFFFF, 48, 0, "12345678"), true);
    expect_refused(raw(9, 48, 0, "12345678"));
    expect_refused(raw(48, 0, "1234567"));
    expect_refused(raw(48, 0, "123456789"));
    expect_refused(raw(50, 0, "x"));
    expect_refused(raw(16, 0, "12345678\0\0\0"s));
    expect_refused(raw(16, 0, "12345678\0\0\0\3{}"s));  // header longer than what follows
    expect_refused(raw(16, 0, "12345678\xFF\xFF\xFF\xFF{}"s));
    expect_refused(raw(17, 0, "1234567"));
    expect_refused(raw(18, 0, "12345678123"));
    expect_refused(raw(19, 0, ""));
    expect_refused(raw(20, 0, "1234567"));
    expect_refused(raw(21, 0, "12345678901"));
    expect_refused(raw(22, 0, "12345678901"));
    expect_refused(raw(23, 0, "12345678901"));
    expect_refused(raw(23, 0, "1234567890123"));
    expect_refused(raw(24, 0, "12345678"));  // no bytes
    expect_refused(raw(25, 0, "1234567812345"));
    expect_refused(raw(33, 0, "1234"));
}

TEST(frame, seqs_are_positive_and_increase) {
    expect_refused(raw(32, 0, "\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1{}"s));
    expect_refused(raw(32, 0, "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1{}"s));  // previous = seq
    expect_refused(raw(32, 0, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0{}"s));
    expect_refused(raw(33, 0, "\xFF\0\0\0\0\0\0\0"s));
}

TEST(frame, unknown_flags_are_refused) {
    expect_refused(raw(48, 1, "12345678"));
    expect_refused(raw(17, 4, "12345678"));
    expect_refused(raw(17, 3, "12345678"));  // error implies fin: one way to say it
    expect_refused(raw(1, 0x80, "{}"));
}

TEST(frame, unknown_types_are_refused_below_128_and_skipped_from_there) {
    for (const int type : {0, 5, 15, 24, 31, 35, 47, 51, 127}) expect_refused(raw(type, 0, ""));
    for (const int type : {128, 200, 255}) {
        const auto frames = read_all(raw(type, 0xFF, "whatever") + raw(50, 0, "") + raw(type, 0, ""));
        ASSERT_TRUE(frames);
        ASSERT_EQ(frames->size(), 1U);
        EXPECT_TRUE(std::holds_alternative<drain_frame>(frames->front()));
    }
}

TEST(frame, payloads_above_their_limit_are_too_big) {
    const auto x = [](std::size_t bytes) { return std::string(bytes, 'x'); };
    expect_refused(raw(1, 0, x(limits::handshake_frame_bytes_max + 1)), true);
    expect_refused(raw(17, 0, x(8 + limits::reply_chunk_bytes_max + 1)), true);
    expect_refused(raw(17, 2, x(8 + limits::error_bytes_max + 1)), true);
    expect_refused(raw(20, 0, x(8 + limits::progress_bytes_max + 1)), true);
    expect_refused(raw(21, 0, x(12 + limits::ask_bytes_max + 1)), true);
    expect_refused(raw(22, 0, x(12 + limits::answers_bytes_max + 1)), true);
    expect_refused(raw(24, 0, x(8 + limits::reply_chunk_bytes_max + 1)), true);
    expect_refused(raw(34, 0, x(limits::sessions_bytes_max + 1)), true);
    std::string out;
    append_event(out, 2, 1, x(limits::event_bytes_max + 1));
    expect_refused(out, true);
    out.clear();
    append_call(out, 1, x(limits::call_header_bytes_max + 1), "");
    expect_refused(out, true);
    out.clear();
    append_call(out, 1, "{}", x(limits::arguments_bytes_max));
    EXPECT_TRUE(read_all(out));
    EXPECT_LE(out.size(), limits::link_message_bytes_max);
}

TEST(frame, random_bytes_never_crash_the_decoder) {
    std::mt19937 random(17);
    for (int round = 0; round < 50'000; ++round) {
        std::string message;
        const auto frames = random() % 3;
        for (std::uint32_t i = 0; i <= frames; ++i) {
            std::string payload(random() % 24, '\0');
            for (auto& c : payload) c = static_cast<char>(random());
            message += raw(static_cast<int>(random() % 64), random() % 4 == 0 ? 1 : 0, payload);
        }
        if (random() % 2 == 0) message[random() % message.size()] = static_cast<char>(random());
        if (const auto read = read_all(message); !read) EXPECT_FALSE(read.error().reason.empty());
    }
}

}  // namespace
}  // namespace proto
