#include "agent/claude/stream_decode.hpp"

#include <set>

#include <gtest/gtest.h>

#include "tests/agent/claude/captured.hpp"

namespace agent::claude {
namespace {

template <class T>
std::vector<T> all(const std::string& capture) {
    std::vector<T> out;
    for (const auto& line : tests::captured(capture)) {
        auto message = decode(line);
        if (auto* found = std::get_if<T>(&message)) out.push_back(std::move(*found));
    }
    return out;
}

TEST(StreamDecode, ReadsEveryLineOfEveryCapture) {
    std::size_t files = 0, lines = 0;
    for (const auto& file : std::filesystem::directory_iterator(tests::captures())) {
        ++files;
        for (const auto& line : tests::captured(file.path().stem())) {
            ++lines;
            const auto message = decode(line);
            const auto* bad = std::get_if<unreadable_line>(&message);
            EXPECT_EQ(bad, nullptr) << file.path() << ": " << bad->why << ": " << line.substr(0, 200);
        }
    }
    EXPECT_GT(files, 40u);
    EXPECT_GT(lines, 300u);
}

// The types that nothing here needs, so that a new one shows.
TEST(StreamDecode, IgnoresOnlyWhatIsKnownToBeOfNoInterest) {
    const std::set<std::string> of_no_interest = {
        "system/status",         "system/background_tasks_changed", "system/task_updated",
        "system/task_progress",  "system/thinking_tokens",          "system/peer_message_hold",
        "system/model_fallback", "system/permission_denied",        "conversation_reset"};
    for (const auto& file : std::filesystem::directory_iterator(tests::captures())) {
        for (const auto& line : tests::captured(file.path().stem())) {
            const auto message = decode(line);
            if (const auto* ignored = std::get_if<ignored_line>(&message))
                EXPECT_TRUE(of_no_interest.contains(ignored->type)) << file.path() << ": " << ignored->type;
        }
    }
}

TEST(StreamDecode, ReadsACompaction) {
    const auto seen = all<compact_boundary>("51_compact");
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].uuid, "556c41ac-bc1a-4ae1-a0a3-ec761cb61185");
    EXPECT_EQ(seen[0].trigger, "manual");
    EXPECT_EQ(seen[0].tokens_before, 470);
    EXPECT_EQ(seen[0].tokens_after, 2603);
    EXPECT_EQ(seen[0].duration_ms, 313);
}

TEST(StreamDecode, ReadsAPermissionRequestWithItsSuggestions) {
    const auto asks = all<permission_ask>("03_permission_allow");
    ASSERT_EQ(asks.size(), 1u);
    EXPECT_EQ(asks[0].request_id, "714e6111-4909-4e65-9b90-afaef03d3b0d");
    EXPECT_EQ(asks[0].tool_name, "Bash");
    EXPECT_EQ(asks[0].description, "make file");
    EXPECT_EQ(asks[0].tool_use_id, "toolu_fake7_1");
    EXPECT_EQ(asks[0].input["command"], "touch made_by_bash && echo out");
    EXPECT_TRUE(asks[0].suggestions.is_array());
    EXPECT_FALSE(asks[0].suggestions.empty());
}

TEST(StreamDecode, ReadsTheStepsOfAPrompt) {
    std::string steps;
    for (const auto& each : all<prompt_lifecycle>("11_queue_and_cancel"))
        steps += each.prompt_uuid.back() + std::to_string(static_cast<int>(each.step)) + " ";
    EXPECT_EQ(steps, "10 11 20 30 33 12 21 22 ");
}

TEST(StreamDecode, TellsAFailureByIsErrorNotBySubtype) {
    const auto results = all<turn_result>("28_no_api_key");
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].subtype, "success");
    EXPECT_TRUE(results[0].is_error);
    EXPECT_EQ(results[0].text, "Not logged in · Please run /login");
}

TEST(StreamDecode, ReadsResultsOfEveryKind) {
    EXPECT_EQ(all<turn_result>("13_max_turns").at(0).subtype, "error_max_turns");
    EXPECT_EQ(all<turn_result>("10_interrupt_pending_permission").at(0).terminal_reason, "aborted_tools");
    EXPECT_EQ(all<turn_result>("24_err_529_max1").at(0).api_error_status, 529);
    EXPECT_FALSE(all<turn_result>("15_structured_output").at(0).structured_output.is_null());
    EXPECT_EQ(all<turn_result>("50i_resume_unknown").at(0).errors.size(), 1u);
}

TEST(StreamDecode, ReadsStreamedPieces) {
    std::string text;
    for (const auto& event : all<stream_event>("02_partial_messages"))
        if (event.kind == stream_kind::block_delta && event.block == block_kind::text) text += event.delta;
    EXPECT_EQ(text, "one two three");
}

TEST(StreamDecode, ReadsThePendingRequestsOfAnInitializeReply) {
    const auto message = decode(
        R"({"type":"control_response","response":{"subtype":"success","request_id":"i2","pending_permission_requests":)"
        R"([{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{}}}],)"
        R"("response":{"session_state":"requires_action"}}})");
    const auto& reply = std::get<control_reply>(message);
    EXPECT_TRUE(reply.ok);
    ASSERT_TRUE(reply.pending);
    EXPECT_EQ(reply.pending->at(0).request_id, "r1");
}

TEST(StreamDecode, ReadsTasks) {
    const auto started = all<task_started>("55_subagent");
    ASSERT_EQ(started.size(), 1u);
    EXPECT_EQ(started[0].subagent_type, "general-purpose");
    EXPECT_EQ(all<task_finished>("55_subagent").at(0).state, "completed");
}

TEST(StreamDecode, AnUnknownTypeIsIgnored) {
    EXPECT_TRUE(std::holds_alternative<ignored_line>(decode(R"({"type":"of_next_year","a":[1,2]})")));
    EXPECT_TRUE(std::holds_alternative<ignored_line>(decode(R"({"no":"type"})")));
    EXPECT_TRUE(std::holds_alternative<ignored_line>(decode(R"({"type":7})")));
}

TEST(StreamDecode, HostileLinesAreUnreadableNotFatal) {
    const std::string deep =
        R"({"type":"assistant","message":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    const std::string large(line_bytes_max + 1, ' ');
    for (const std::string& line :
         {std::string(), std::string("nonsense"), std::string("{\"type\":\"assist"), std::string("[]"),
          std::string("\"text\""), std::string("{\"type\":\"\xff\"}"), deep, large})
        EXPECT_TRUE(std::holds_alternative<unreadable_line>(decode(line))) << line.substr(0, 40);
}

TEST(StreamDecode, MembersOfTheWrongTypeAreAbsent) {
    for (const char* line :
         {R"({"type":"assistant","message":7,"uuid":[]})", R"({"type":"user","message":{"content":{"a":1}}})",
          R"({"type":"result","is_error":"yes","usage":[],"errors":{},"duration_ms":1e300})",
          R"({"type":"control_request","request":[],"request_id":5})", R"({"type":"control_response","response":"x"})",
          R"({"type":"stream_event","event":null})",
          R"({"type":"system","subtype":"init","plugins":{"a":1},"mcp_servers":[1,"x",null]})"})
        EXPECT_FALSE(std::holds_alternative<unreadable_line>(decode(line))) << line;
}

// A cut at any byte must not look like another message, let alone crash.
TEST(StreamDecode, EveryCutOfALineIsUnreadable) {
    const std::string line = tests::captured("03_permission_allow").at(4);
    for (std::size_t size = 0; size < line.size(); ++size)
        EXPECT_TRUE(std::holds_alternative<unreadable_line>(decode(line.substr(0, size))));
}

TEST(StreamDecode, BigNumbersInAToolsInputSurvive) {
    const auto message = decode(R"({"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool",)"
                                R"("tool_name":"T","input":{"n":18446744073709552000}}})");
    EXPECT_TRUE(std::get<permission_ask>(message).input["n"].is_number());
}

}  // namespace
}  // namespace agent::claude
