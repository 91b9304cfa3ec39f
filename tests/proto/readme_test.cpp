// proto/README.md is the specification: its byte examples are read here and must be what the codec writes and reads.
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "proto/base64url.hpp"
#include "proto/frame.hpp"
#include "proto/limits.hpp"
#include "proto/messages.hpp"

namespace proto {
namespace {

std::string readme() {
    std::ifstream file(CODEZ_LINK_README);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// A fenced block that opens with ```hex NAME: pairs of hex digits; what follows '#' on a line is a comment.
std::map<std::string, std::string> examples() {
    std::map<std::string, std::string> found;
    std::istringstream lines(readme());
    std::string line;
    std::string name;
    while (std::getline(lines, line)) {
        if (line.starts_with("```hex ")) {
            name = line.substr(7);
            found[name];
        } else if (line.starts_with("```")) {
            name.clear();
        } else if (!name.empty()) {
            std::istringstream bytes(line.substr(0, line.find('#')));
            for (std::string pair; bytes >> pair;)
                found[name].push_back(static_cast<char>(std::stoi(pair, nullptr, 16)));
        }
    }
    return found;
}

TEST(readme, examples_are_what_the_codec_writes) {
    std::map<std::string, std::string> expected;
    append_call(expected["call"], 1, R"({"tool":"x"})", "{}");
    append_reply(expected["reply"], 1, R"({"ok":)", false);
    append_reply(expected["reply"], 1, "true}", true);
    append_reply_error(expected["error"], 2, R"({"code":"internal","message":"m"})");
    append_credit(expected["credit"], 1, 65536);
    append_cancel(expected["cancel"], 1);
    append_progress(expected["progress"], 1, R"({"progress":1})");
    append_ask(expected["ask"], 1, 1, R"({"questions":[{"key":"k","kind":"form","params":{}}]})");
    append_answers(expected["answers"], 1, 1, R"({"outcome":"answered","answers":[{"key":"k","result":{}}]})");
    append_withdraw(expected["withdraw"], 1, 1);
    append_body(expected["body"], 1, "\xff\xd8\xff");
    append_body_credit(expected["body_credit"], 1, 65536);
    append_event(expected["event"], 258, 257, "{}");
    append_ack(expected["ack"], 258);
    append_sessions(expected["sessions"], R"({"sessions":[],"complete":true})");
    append_ping(expected["ping"], 7);
    append_pong(expected["pong"], 7);
    append_drain(expected["drain"]);
    append_handshake(expected["auth"], frame_type::auth, R"({"sig":"AAEC"})");
    auto found = examples();
    for (const auto& [name, bytes] : expected) {
        ASSERT_TRUE(found.contains(name)) << name;
        EXPECT_EQ(found[name], bytes) << name;
    }
    const link_proof proof{.machine_id = "m_1",
                           .kid = "k1",
                           .hub_origin = "https://h",
                           .agent_nonce = std::string(32, '\x11'),
                           .hub_nonce = std::string(32, '\x22'),
                           .boot_id = "b",
                           .link_counter = 3,
                           .tls_exporter = ""};
    EXPECT_EQ(found["signed"], agent_signing_text(proof));
    EXPECT_EQ(found.size(), expected.size() + 1) << "every example is checked";
}

TEST(readme, examples_can_be_read) {
    for (const auto& [name, bytes] : examples()) {
        if (name == "signed") continue;
        frame_reader reader(bytes);
        for (;;) {
            const auto next = reader.next();
            ASSERT_TRUE(next) << name << ": " << next.error().reason;
            if (!*next) break;
        }
    }
}

TEST(readme, names_every_close_code_and_limit_as_they_are) {
    const auto text = readme();
    for (const auto code : {close_code::protocol, close_code::auth, close_code::revoked, close_code::superseded,
                            close_code::key_conflict, close_code::too_big, close_code::rate, close_code::draining})
        EXPECT_NE(text.find("| " + std::to_string(static_cast<int>(code)) + " |"), std::string::npos)
            << static_cast<int>(code);
    const std::pair<const char*, std::size_t> bounds[] = {
        {"handshake_frame_bytes_max", limits::handshake_frame_bytes_max},
        {"reply_chunk_bytes_max", limits::reply_chunk_bytes_max},
        {"call_header_bytes_max", limits::call_header_bytes_max},
        {"arguments_bytes_max", limits::arguments_bytes_max},
        {"result_bytes_max", limits::result_bytes_max},
        {"error_bytes_max", limits::error_bytes_max},
        {"progress_bytes_max", limits::progress_bytes_max},
        {"ask_bytes_max", limits::ask_bytes_max},
        {"answers_bytes_max", limits::answers_bytes_max},
        {"event_bytes_max", limits::event_bytes_max},
        {"sessions_bytes_max", limits::sessions_bytes_max},
        {"call_credit_bytes", limits::call_credit_bytes},
        {"calls_in_flight_max", limits::calls_in_flight_max},
        {"call_body_bytes_max", limits::call_body_bytes_max},
        {"events_unacknowledged_max", limits::events_unacknowledged_max},
        {"json_depth_max", limits::json_depth_max}};
    for (const auto& [name, value] : bounds)
        EXPECT_NE(text.find("| `" + std::string(name) + "` | " + std::to_string(value) + " |"), std::string::npos)
            << name << " " << value;
}

}  // namespace
}  // namespace proto
