// The frames of agent/hold/README.md are what the codec writes and reads; hostile bytes are told apart and bounded.
#include "agent/hold/protocol.hpp"

#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

namespace agent::hold {
namespace {

std::string from_hex(std::string_view text) {
    std::string bytes;
    std::string digits;
    for (const char c : text)
        if (c != ' ') digits += c;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    return bytes;
}

std::map<std::string, std::string> frames_of_readme() {
    std::ifstream file(HOLD_README);
    std::map<std::string, std::string> frames;
    std::string text;
    bool inside = false;
    while (std::getline(file, text)) {
        if (text.starts_with("```")) {
            inside = text == "```frames";
            continue;
        }
        if (!inside) continue;
        const auto gap = text.find("  ");
        frames[text.substr(0, gap)] = from_hex(text.substr(gap));
    }
    return frames;
}

message read_one(std::string_view bytes) {
    frame_reader reader;
    reader.feed(bytes);
    auto next = reader.next();
    return next && *next ? **next : message(unknown{});
}

TEST(protocol_test, the_frames_in_the_readme_are_the_frames_on_the_socket) {
    const std::map<std::string, message> meant{
        {"hello 1..1 minor 0", hello{}},
        {"write 7 {\"a\":1}", input_line{7, "{\"a\":1}"}},
        {"acknowledge 4096", acknowledge{4096}},
        {"end 5000", end{5000}},
        {"release", release{}},
        {"welcome 1.0 200 201 0 300 s1", welcome{1, 0, 200, 201, 0, 300, "s1"}},
        {"written 7", written{7}},
        {"refused 7 queue_full", refused{7, refusal::queue_full}},
        {"position 300", position{300}},
        {"trouble full", trouble{"full"}},
        {"exited signal 9 300 bye", exited{exit_kind::signal, 9, 300, "bye"}},
        {"released", released{}},
        {"fault replaced other", fault{fault_code::replaced, "other"}},
    };
    const auto frames = frames_of_readme();
    ASSERT_EQ(frames.size(), meant.size());
    for (const auto& [name, m] : meant) {
        ASSERT_TRUE(frames.contains(name)) << name;
        EXPECT_EQ(encode(m), frames.at(name)) << name;
        EXPECT_EQ(read_one(frames.at(name)), m) << name;
    }
}

TEST(protocol_test, messages_are_the_same_however_the_bytes_are_cut) {
    std::string stream;
    for (const auto& [name, bytes] : frames_of_readme()) stream += bytes;
    for (std::size_t piece = 1; piece <= 40; ++piece) {
        frame_reader reader;
        std::string again;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            reader.feed(std::string_view(stream).substr(at, piece));
            for (auto next = reader.next(); next && *next; next = reader.next()) again += encode(**next);
        }
        EXPECT_EQ(again, stream) << piece;
    }
}

TEST(protocol_test, a_length_over_the_limit_is_a_fault_before_its_bytes_come) {
    frame_reader reader(100);
    reader.feed(from_hex("00000065"));
    EXPECT_FALSE(reader.next());
}

TEST(protocol_test, a_length_of_zero_is_a_fault) {
    frame_reader reader;
    reader.feed(from_hex("00000000"));
    EXPECT_FALSE(reader.next());
}

TEST(protocol_test, a_payload_cut_short_at_any_byte_is_a_fault_or_another_whole_message) {
    for (const auto& [name, bytes] : frames_of_readme()) {
        for (std::size_t length = 1; length + 4 < bytes.size(); ++length) {
            std::string cut = bytes.substr(0, 4 + length);
            cut[3] = static_cast<char>(length);
            frame_reader reader;
            reader.feed(cut);
            const auto next = reader.next();
            // Only text at the end may be shorter and still mean something.
            if (next) {
                EXPECT_EQ(encode(**next), cut) << name;
            }
        }
    }
}

TEST(protocol_test, a_value_out_of_range_is_a_fault) {
    frame_reader reader;
    reader.feed(from_hex("0000000a 83 0000000000000007 63"));
    EXPECT_FALSE(reader.next());
}

TEST(protocol_test, types_and_members_of_a_later_minor_version_are_ignored) {
    EXPECT_EQ(read_one(from_hex("00000003 7f abcd")), message(unknown{0x7f}));
    EXPECT_EQ(read_one(from_hex("0000000b 84 000000000000012c ffff")), message(position{300}));
}

TEST(protocol_test, text_that_is_too_long_is_a_fault) {
    frame_reader reader;
    reader.feed(encode(trouble{std::string(text_bytes_max + 1, 'x')}));
    EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace agent::hold
