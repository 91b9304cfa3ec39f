// The JSON messages: there and back, strictness, and the exact bytes that are signed.
#include "proto/messages.hpp"

#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "proto/limits.hpp"

namespace proto {
namespace {

using namespace std::string_literals;

const hello sample_hello{.machine_id = "m_abc",
                         .kid = "k1",
                         .agent_nonce = std::string(32, '\x01'),
                         .proto = {1},
                         .version = "0.1.0",
                         .boot_id = "boot",
                         .link_counter = 7,
                         .resume = {1, 2, 3},
                         .log_id = "log",
                         .last_seq = 9,
                         .catalogue = "0123456789abcdef",
                         .tools = {"list_projects", "send_prompt"},
                         .abilities = {"call_body"},
                         .hostname = "box",
                         .os = "linux",
                         .arch = "x86_64"};
const challenge sample_challenge{std::string(32, '\x02'), "hub1", "hk1", 1'700'000'000'000, true, std::string(64, 's')};
const welcome sample_welcome{5, 8, "pending", 1, 4, 15'000, "laptop"};
const call_header sample_call{.tool = "send_prompt",
                              .who = {"w_1", "u_1", "c_1", "Ann \xE2\x82\xAC", {"mcp:tools"}},
                              .depth = 1,
                              .deadline_ms = 30'000,
                              .request_id = "req_1",
                              .progress = true,
                              .body_bytes = 9};
const sessions_snapshot sample_sessions{
    {{"s1", "-home-a", "/home/a", "A \"title\"\n", "live", "requires_action", "opus", "default", 1, 2, 3}}, false};

// The message with one member replaced, or removed where `value` is discarded.
template <class T>
std::string with(const T& message, const std::string& name, const nlohmann::json& value) {
    auto object = nlohmann::json::parse(encode(message));
    if (value.is_discarded())
        object.erase(name);
    else
        object[name] = value;
    return object.dump();
}
const nlohmann::json absent(nlohmann::json::value_t::discarded);

TEST(messages, come_back_whole) {
    EXPECT_EQ(decode_hello(encode(sample_hello)), sample_hello);
    EXPECT_EQ(decode_challenge(encode(sample_challenge)), sample_challenge);
    EXPECT_EQ(decode_auth(encode(auth{"sig"})), auth{"sig"});
    EXPECT_EQ(decode_welcome(encode(sample_welcome)), sample_welcome);
    EXPECT_EQ(decode_call_header(encode(sample_call)), sample_call);
    auto asking = sample_call;
    asking.abilities = {"form", "other"};
    asking.state = R"({"x":"\u00e9"})";
    EXPECT_EQ(decode_call_header(encode(asking)), asking);
    auto able = sample_hello;
    able.abilities = {"questions"};
    EXPECT_EQ(decode_hello(encode(able)), able);
    EXPECT_EQ(decode_progress(encode(progress_update{0.5, 2.0, "half"})), (progress_update{0.5, 2.0, "half"}));
    EXPECT_EQ(decode_progress(encode(progress_update{1, std::nullopt, ""})), (progress_update{1, std::nullopt, ""}));
    EXPECT_EQ(decode_sessions(encode(sample_sessions)), sample_sessions);
    EXPECT_EQ(decode_sessions(encode(sessions_snapshot{})), sessions_snapshot{});
}

TEST(messages, members_of_newer_peers_are_ignored) {
    EXPECT_EQ(decode_hello(with(sample_hello, "from_the_future", {1, 2})), sample_hello);
    EXPECT_EQ(decode_welcome(with(sample_welcome, "x", "y")), sample_welcome);
}

TEST(messages, hello_names_the_member_that_is_wrong) {
    const std::pair<const char*, nlohmann::json> cases[] = {
        {"machine_id", absent},
        {"machine_id", ""},
        {"machine_id", 1},
        {"machine_id", std::string(65, 'm')},
        {"machine_id", "a\nb"},
        {"agent_nonce", "AAAA"},
        {"agent_nonce", "!"},
        {"agent_nonce", absent},
        {"proto", absent},
        {"proto", 1},
        {"proto", {"1"}},
        {"proto", {-1}},
        {"proto", {1.5}},
        {"proto", nlohmann::json(std::vector<int>(17, 1))},
        {"link_counter", -1},
        {"link_counter", "1"},
        {"link_counter", 1.0},
        {"link_counter", UINT64_MAX},
        {"link_counter", INT64_MAX},
        {"resume", absent},
        {"resume", {{"rx_seq", 1}}},
        {"resume", 5},
        {"last_seq", -1},
        {"tools", absent},
        {"tools", {1}},
        {"tools", {""}},
        {"tools", nlohmann::json(std::vector<std::string>(129, "t"))},
        {"hostname", std::string(256, 'h')},
        {"hostname", "\x1B[31m"},
        {"boot_id", absent},
        {"log_id", absent},
        {"catalogue", absent},
        {"kid", absent}};
    for (const auto& [name, value] : cases) {
        const auto decoded = decode_hello(with(sample_hello, name, value));
        ASSERT_FALSE(decoded) << name << " = " << value;
        EXPECT_NE(decoded.error().find("`"s + name + "`"), std::string::npos) << decoded.error();
    }
}

TEST(messages, every_decoder_refuses_what_is_no_object) {
    for (const auto* text : {"", "[]", "null", "{", "{}{}", "{\"a\":1e999}", "\xFF"}) {
        EXPECT_FALSE(decode_hello(text)) << text;
        EXPECT_FALSE(decode_challenge(text)) << text;
        EXPECT_FALSE(decode_auth(text)) << text;
        EXPECT_FALSE(decode_welcome(text)) << text;
        EXPECT_FALSE(decode_call_header(text)) << text;
        EXPECT_FALSE(decode_progress(text)) << text;
        EXPECT_FALSE(decode_sessions(text)) << text;
    }
}

TEST(messages, other_decoders_are_as_strict) {
    EXPECT_FALSE(decode_challenge(with(sample_challenge, "hub_nonce", "AAAA")));
    EXPECT_FALSE(decode_challenge(with(sample_challenge, "exporter", 1)));
    EXPECT_FALSE(decode_challenge(with(sample_challenge, "sig_hub", "")));
    EXPECT_FALSE(decode_welcome(with(sample_welcome, "epoch", 0)));
    EXPECT_FALSE(decode_welcome(with(sample_welcome, "hb_ms", 1)));
    EXPECT_FALSE(decode_welcome(with(sample_welcome, "link_state", "other")));
    EXPECT_FALSE(decode_call_header(with(sample_call, "tool", "")));
    EXPECT_FALSE(decode_call_header(with(sample_call, "depth", -1)));
    EXPECT_FALSE(decode_call_header(with(sample_call, "scopes", "mcp:tools")));
    EXPECT_FALSE(decode_call_header(with(sample_call, "request_id", absent)));
    EXPECT_FALSE(decode_call_header(with(sample_call, "progress", absent)));
    EXPECT_FALSE(decode_call_header(with(sample_call, "person", 1)));
    EXPECT_FALSE(decode_call_header(with(sample_call, "person", absent))->who.is_person);
    EXPECT_TRUE(decode_call_header(with(sample_call, "person", true))->who.is_person);
    EXPECT_FALSE(decode_call_header(with(sample_call, "body_bytes", -1)));
    EXPECT_EQ(decode_call_header(with(sample_call, "body_bytes", absent))->body_bytes, 0U);
    EXPECT_FALSE(decode_hello(with(sample_hello, "abilities", "call_body")));
    EXPECT_TRUE(decode_hello(with(sample_hello, "abilities", absent))) << "older agents have none";
    EXPECT_FALSE(decode_progress(R"({"progress":"1"})"));
    EXPECT_FALSE(decode_progress(R"({"progress":1,"total":"2"})"));
    EXPECT_FALSE(decode_progress(R"({})"));
    EXPECT_FALSE(decode_sessions(R"({"sessions":[1],"complete":true})"));
    EXPECT_FALSE(decode_sessions(R"({"sessions":[{"id":"a"}],"complete":true})"));
    EXPECT_FALSE(decode_sessions(R"({"sessions":[]})"));
    sessions_snapshot many;
    many.sessions.assign(limits::sessions_max + 1, sample_sessions.sessions[0]);
    EXPECT_FALSE(decode_sessions(encode(many)));
}

TEST(messages, encoding_never_fails_on_broken_text) {
    auto broken = sample_sessions;
    broken.sessions[0].title = "cut \xE2\x82";
    EXPECT_TRUE(decode_sessions(encode(broken)));
}

TEST(messages, a_hello_with_many_tools_fits_the_handshake) {
    auto large = sample_hello;
    large.tools.assign(60, "a_tool_with_a_rather_long_name");
    EXPECT_LE(encode(large).size(), limits::handshake_frame_bytes_max);
}

TEST(signing_text, is_exactly_what_the_specification_says) {
    const link_proof proof{.machine_id = "m",
                           .kid = "k",
                           .hub_origin = "https://h",
                           .agent_nonce = "AA",
                           .hub_nonce = "B",
                           .boot_id = "bt",
                           .link_counter = 0x0102,
                           .tls_exporter = "EEEE"};
    const auto fields = "\0\1m\0\1k\0\x09https://h\0\2AA\0\1B\0\2bt\0\x08\0\0\0\0\0\0\1\2\0\1\1\0\4EEEE"s;
    EXPECT_EQ(agent_signing_text(proof), "codez-link-v1\0"s + fields);
    EXPECT_EQ(hub_signing_text(proof), "codez-hub-v1\0"s + fields);
    EXPECT_EQ(enroll_signing_text("https://h", "n", "pub"), "codez-enroll-v1\0\0\x09https://h\0\1n\0\3pub"s);
}

TEST(signing_text, no_two_inputs_give_one_text) {
    std::set<std::string> texts;
    const auto add = [&](auto set) {
        link_proof p;
        set(p);
        EXPECT_TRUE(texts.insert(agent_signing_text(p)).second);
        EXPECT_TRUE(texts.insert(hub_signing_text(p)).second);
    };
    add([](link_proof& p) { p.machine_id = "ab", p.kid = "c"; });
    add([](link_proof& p) { p.machine_id = "a", p.kid = "bc"; });
    add([](link_proof& p) { p.machine_id = "abc"; });
    add([](link_proof& p) { p.kid = "abc"; });
    add([](link_proof& p) { p.hub_origin = "abc"; });
    add([](link_proof& p) { p.boot_id = "abc"; });
    add([](link_proof& p) { p.link_counter = 1; });
    add([](link_proof& p) { p.tls_exporter = std::string(32, '\0'); });  // told apart from "none" by the flag
    add([](link_proof&) {});
}

TEST(judge_counter, follows_the_rule_of_clone_detection) {
    EXPECT_EQ(judge_counter(0, 0, false), counter_verdict::current);
    EXPECT_EQ(judge_counter(5, 5, false), counter_verdict::current);
    EXPECT_EQ(judge_counter(5, 5, true), counter_verdict::current);
    EXPECT_EQ(judge_counter(4, 5, false), counter_verdict::welcome_lost);
    EXPECT_EQ(judge_counter(4, 5, true), counter_verdict::conflict);
    EXPECT_EQ(judge_counter(3, 5, false), counter_verdict::conflict);
    EXPECT_EQ(judge_counter(0, 5, false), counter_verdict::conflict);
    EXPECT_EQ(judge_counter(6, 5, false), counter_verdict::hub_restored);
    EXPECT_EQ(judge_counter(900, 0, false), counter_verdict::hub_restored);
}

TEST(close_reason, fits_a_close_frame_and_is_not_cut_inside_a_character) {
    EXPECT_EQ(close_reason("short"), "short");
    EXPECT_EQ(close_reason(std::string(500, 'x')).size(), limits::link_close_reason_bytes_max);
    std::string euros;
    for (int i = 0; i < 100; ++i) euros += "\xE2\x82\xAC";
    EXPECT_EQ(close_reason(euros).size() % 3, 0U);
    EXPECT_EQ(close_reason("x" + euros).size() % 3, 1U);
}

}  // namespace
}  // namespace proto
