#include "agent/session/turn_reducer.hpp"

#include <set>

#include <gtest/gtest.h>

#include "tests/agent/session/reduce.hpp"

namespace agent::session {
namespace {

using tests::bodies;
using tests::captured;
using tests::feed;
using tests::fresh_reducer;
using tests::json;
using tests::now_ms;
using tests::types;

reduction reduce(const std::string& capture) {
    auto reducer = fresh_reducer();
    reduction out;
    feed(reducer, captured(capture), out);
    return out;
}

constexpr const char* prompt_1 = "aaaaaaaa-0000-4000-8000-000000000001";
constexpr const char* prompt_2 = "aaaaaaaa-0000-4000-8000-000000000002";
constexpr const char* prompt_3 = "aaaaaaaa-0000-4000-8000-000000000003";

TEST(TurnReducer, AToolsTurnBecomesMessagesPartsAndAPermissionRequest) {
    const auto out = reduce("03_permission_allow");
    EXPECT_EQ(
        types(out),
        "session.updated message.created message.part.completed message.part.updated channel.permission_request "
        "session.updated message.part.completed message.created message.part.completed*2 session.idle session.updated");
    const auto parts = bodies(out, "message.part.completed");
    EXPECT_EQ(parts[0]["part"], json({{"id", "msg_fake000007:0"}, {"type", "text"}, {"text", "I will run it"}}));
    EXPECT_EQ(parts[1]["messageId"], "msg_fake000007");
    EXPECT_EQ(parts[1]["part"]["id"], "toolu_fake7_1");
    EXPECT_EQ(parts[1]["part"]["state"], "completed");
    EXPECT_EQ(parts[1]["part"]["input"]["command"], "touch made_by_bash && echo out");
    EXPECT_EQ(parts[1]["part"]["resultText"], "out");
    EXPECT_EQ(parts[3]["part"]["type"], "result");
    EXPECT_EQ(parts[3]["messageId"], "msg_fake000008");
    const auto request = bodies(out, "channel.permission_request").at(0);
    EXPECT_EQ(request["sessionId"], tests::session_id);
    EXPECT_EQ(request["request"]["requestId"], "714e6111-4909-4e65-9b90-afaef03d3b0d");
    EXPECT_EQ(request["request"]["toolName"], "Bash");
    EXPECT_TRUE(request["request"]["blockedPath"].get<std::string>().ends_with("/made_by_bash")) << request;
    ASSERT_EQ(out.asked.size(), 1u);
    EXPECT_EQ(out.asked[0].tool_use_id, "toolu_fake7_1");
}

TEST(TurnReducer, AToolThatASpentBudgetCutsOffHasEnded) {
    std::vector<json> tools;
    for (const auto& body : bodies(reduce("14_max_budget"), "message.part.completed"))
        if (body["part"]["type"] == "tool_use") tools.push_back(body["part"]);
    ASSERT_EQ(tools.size(), 1u);
    EXPECT_EQ(tools[0]["state"], "error");
    EXPECT_EQ(tools[0]["resultText"], "The turn ended before this tool did.");
}

TEST(TurnReducer, ADeniedToolEndsInError) {
    const auto out = reduce("04_permission_deny");
    bool found = false;
    for (const auto& body : bodies(out, "message.part.completed"))
        if (body["part"]["type"] == "tool_use") found = body["part"]["state"] == "error";
    EXPECT_TRUE(found);
    EXPECT_TRUE(bodies(out, "session.error").empty());
}

TEST(TurnReducer, AnApiErrorIsNeverAGoodEnd) {
    for (const char* capture :
         {"28_no_api_key", "22_err_429_max1", "24_err_529_max1", "20b_err_401_max0", "25_err_conn_refused_max2"}) {
        const auto out = reduce(capture);
        ASSERT_EQ(bodies(out, "session.error").size(), 1u) << capture;
        const auto idle = bodies(out, "session.idle");
        ASSERT_EQ(idle.size(), 1u) << capture;
        EXPECT_EQ(idle[0]["result"]["subtype"], "error") << capture;
        EXPECT_EQ(idle[0]["result"]["isError"], true) << capture;
    }
}

TEST(TurnReducer, SaysHowToSignIn) {
    const std::string error = bodies(reduce("28_no_api_key"), "session.error").at(0)["error"];
    EXPECT_NE(error.find("not logged in"), std::string::npos);
    EXPECT_NE(error.find("/login"), std::string::npos);
}

TEST(TurnReducer, NeverShowsClaudesDiagnosticsToUsers) {
    for (const char* capture :
         {"08_interrupt_streaming", "09_interrupt_tool_running", "10_interrupt_pending_permission"})
        EXPECT_EQ(bodies(reduce(capture), "session.error").at(0)["error"], "The turn was interrupted.") << capture;
}

TEST(TurnReducer, AnInterruptWithdrawsWhatWasAsked) {
    const auto out = reduce("10_interrupt_pending_permission");
    ASSERT_EQ(out.withdrawn.size(), 1u);
    EXPECT_EQ(out.withdrawn[0], "b29c4118-2371-4ded-906d-15cbdb77cdcf");
    EXPECT_EQ(bodies(out, "channel.permission_resolved").at(0)["behavior"], "withdrawn");
}

TEST(TurnReducer, StreamedPiecesAreEphemeralAndGoneWhenThePartIsWhole) {
    auto reducer = fresh_reducer();
    std::string text;
    std::size_t offset = 0;
    for (const auto& line : captured("02_partial_messages")) {
        reduction out;
        feed(reducer, {line}, out);
        for (const auto& event : out.ephemeral) {
            const json body = json::parse(event.body);
            if (body["partType"] != "text") continue;
            EXPECT_EQ(body["partId"], "msg_fake000006:1");
            EXPECT_EQ(body["offset"], offset);
            text += body["delta"];
            offset = text.size();
        }
    }
    EXPECT_EQ(text, "one two three");
    const auto whole = reduce("02_partial_messages");
    EXPECT_TRUE(whole.ephemeral.empty());
    const auto parts = bodies(whole, "message.part.completed");
    EXPECT_EQ(parts[0]["part"]["type"], "thinking");
    EXPECT_EQ(parts[1]["part"]["id"], "msg_fake000006:1");
}

TEST(TurnReducer, PromptsAreSettledByTheirOwnTurns) {
    auto reducer = fresh_reducer();
    reduction accepted;
    reducer.on_prompt_accepted(prompt_1, "first", now_ms, accepted);
    reducer.on_prompt_accepted(prompt_2, "second", now_ms, accepted);
    reducer.on_prompt_accepted(prompt_3, "third", now_ms, accepted);
    ASSERT_EQ(accepted.events.size(), 3u);
    EXPECT_TRUE(accepted.events[0].starts_turn);
    EXPECT_FALSE(accepted.events[1].starts_turn);
    const json message = json::parse(accepted.events[0].body)["message"];
    EXPECT_EQ(message["id"], prompt_1);
    EXPECT_EQ(message["role"], "user");
    EXPECT_EQ(message["parts"][0]["text"], "first");

    reduction out;
    feed(reducer, captured("11_queue_and_cancel"), out);
    std::vector<std::pair<std::string, events::prompt_state>> settled;
    for (const auto& change : out.prompts)
        if (change.outcome) settled.emplace_back(change.uuid, change.state);
    const std::vector<std::pair<std::string, events::prompt_state>> expected = {
        {prompt_3, events::prompt_state::cancelled},
        {prompt_1, events::prompt_state::completed},
        {prompt_2, events::prompt_state::completed}};
    EXPECT_EQ(settled, expected);
    EXPECT_FALSE(reducer.busy());
    // The second prompt's turn is where a reader without a cursor begins once it runs.
    int starts = 0;
    for (const auto& event : out.events) starts += event.starts_turn ? 1 : 0;
    EXPECT_EQ(starts, 1);
}

TEST(TurnReducer, ASubagentsTaskIsToldOnceAndItsMessagesNameIt) {
    const auto out = reduce("55_subagent");
    const auto started = bodies(out, "task.started");
    ASSERT_EQ(started.size(), 1u);
    EXPECT_EQ(started[0]["subagentType"], "general-purpose");
    EXPECT_EQ(started[0]["toolUseId"], "toolu_fake195_0");
    ASSERT_EQ(bodies(out, "task.finished").size(), 1u);
    int of_subagent = 0;
    for (const auto& body : bodies(out, "message.created"))
        of_subagent += body["message"].value("parentToolUseId", "") == "toolu_fake195_0" ? 1 : 0;
    EXPECT_EQ(of_subagent, 3);
}

TEST(TurnReducer, AnAgentInTheBackgroundKeepsTheSessionRunning) {
    auto reducer = fresh_reducer();
    bool ended = false;
    for (const auto& line : captured("92_background_agent_interrupted")) {
        reduction out;
        feed(reducer, {line}, out);
        if (!bodies(out, "session.idle").empty()) {
            ended = true;
            EXPECT_FALSE(reducer.busy());
            EXPECT_TRUE(reducer.working());
            EXPECT_EQ(reducer.row().state, events::session_state::running);
        }
    }
    EXPECT_TRUE(ended);
    EXPECT_FALSE(reducer.working());
    EXPECT_EQ(reducer.row().state, events::session_state::idle);
}

TEST(TurnReducer, TheStateFollowsClaude) {
    auto reducer = fresh_reducer();
    std::string states;
    for (const auto& line : captured("59_session_state_events")) {
        reduction out;
        feed(reducer, {line}, out);
        for (const auto& body : bodies(out, "session.updated")) states += std::string(body["session"]["state"]) + " ";
    }
    EXPECT_EQ(states, "running running requires_action running idle ");
}

TEST(TurnReducer, ARequestThatNobodyServesIsRefused) {
    auto reducer = fresh_reducer();
    reduction out;
    feed(reducer, {R"({"type":"control_request","request_id":"h1","request":{"subtype":"hook_callback"}})"}, out);
    ASSERT_EQ(out.refused.size(), 1u);
    EXPECT_EQ(out.refused[0].request_id, "h1");
}

TEST(TurnReducer, ARepeatedRequestIsAskedOnce) {
    auto reducer = fresh_reducer();
    const std::string line = captured("03_permission_allow").at(4);
    reduction out;
    feed(reducer, {line, line}, out);
    EXPECT_EQ(out.asked.size(), 1u);
    EXPECT_EQ(bodies(out, "channel.permission_request").size(), 1u);
}

TEST(TurnReducer, TheFirstAnswerClosesTheRequest) {
    auto reducer = fresh_reducer();
    reduction out;
    feed(reducer, {captured("03_permission_allow").at(4)}, out);
    const std::string id = out.asked.at(0).request_id;
    given_answer first;
    first.behavior = "allow";
    first.by = {events::answerer_kind::person, "Ann"};
    first.details = {{"inputChanged", true}};
    given_answer second;
    second.behavior = "deny";
    EXPECT_TRUE(reducer.on_permission_answered(id, first, now_ms, out));
    EXPECT_FALSE(reducer.on_permission_answered(id, second, now_ms, out));
    const auto resolved = bodies(out, "channel.permission_resolved");
    ASSERT_EQ(resolved.size(), 1u);
    EXPECT_EQ(resolved[0]["answeredBy"], "Ann");
    EXPECT_EQ(resolved[0]["answeredByKind"], "person");
    EXPECT_EQ(resolved[0]["inputChanged"], true);
}

TEST(TurnReducer, WhatClaudeNoLongerHoldsOpenIsWithdrawn) {
    auto reducer = fresh_reducer();
    reduction out;
    feed(reducer, {captured("03_permission_allow").at(4)}, out);
    claude::permission_ask open;
    open.request_id = out.asked.at(0).request_id;
    reducer.on_permissions_listed({open}, now_ms, out);
    EXPECT_TRUE(out.withdrawn.empty());
    reducer.on_permissions_listed({}, now_ms, out);
    EXPECT_EQ(out.withdrawn, std::vector<std::string>{open.request_id});
}

TEST(TurnReducer, APromptThatEndsWithoutAResultIsNotTakenForAnswered) {
    auto reducer = fresh_reducer();
    reduction out;
    reducer.on_prompt_accepted(prompt_1, "one", now_ms, out);
    out = {};
    feed(reducer,
         {R"({"type":"command_lifecycle","command_uuid":")" + std::string(prompt_1) + R"(","state":"completed"})"},
         out);
    ASSERT_EQ(out.prompts.size(), 1u);
    EXPECT_EQ(out.prompts[0].state, events::prompt_state::completed);
    EXPECT_TRUE(out.prompts[0].outcome->is_error);
    EXPECT_NE(out.prompts[0].outcome->error, "");
}

TEST(TurnReducer, WhatClaudeSaysItselfIsTheAnswerOfATurnWithoutAnother) {
    auto reducer = tests::fresh_reducer();
    const auto turn = [&reducer](const std::string& model, const std::string& result) {
        reduction out;
        const json said = {{"type", "assistant"},
                           {"message",
                            {{"id", "m" + model + result},
                             {"model", model},
                             {"content", json::array({{{"type", "text"}, {"text", "No messages to compact"}}})}}}};
        const json over = {
            {"type", "result"}, {"subtype", "success"}, {"is_error", false}, {"result", result}, {"uuid", "r"}};
        tests::feed(reducer, {said.dump(), over.dump()}, out);
        return bodies(out, "session.idle").at(0)["result"]["text"].get<std::string>();
    };
    EXPECT_EQ(turn("<synthetic>", ""), "No messages to compact");
    EXPECT_EQ(turn("claude-opus-5-5", ""), "") << "of its own turn only";
    EXPECT_EQ(turn("<synthetic>", "The answer."), "The answer.");
}

TEST(TurnReducer, AProcessThatDiesLeavesNothingOpen) {
    auto reducer = fresh_reducer();
    reduction out;
    reducer.on_prompt_accepted(prompt_1, "one", now_ms, out);
    reducer.on_prompt_accepted(prompt_2, "two", now_ms, out);
    reducer.on_prompt_accepted(prompt_3, "three", now_ms, out);
    const std::string lifecycle =
        R"({"type":"command_lifecycle","command_uuid":")" + std::string(prompt_1) + R"(","state":"started"})";
    const auto lines = captured("03_permission_allow");
    feed(reducer, {lifecycle, lines[1], lines[2], lines[3], lines[4]}, out);

    out = {};
    process_end end;
    end.error = "Claude Code was ended by signal 9 (Killed).";
    end.arrived = {prompt_2};
    reducer.on_process_end(end, now_ms, out);
    EXPECT_EQ(types(out),
              "channel.permission_resolved message.part.completed session.error session.idle session.updated");
    EXPECT_EQ(bodies(out, "message.part.completed").at(0)["part"]["state"], "error");
    ASSERT_EQ(out.prompts.size(), 3u);
    EXPECT_EQ(out.prompts[0].state, events::prompt_state::completed);
    EXPECT_EQ(out.prompts[1].state, events::prompt_state::completed);
    EXPECT_EQ(out.prompts[2].state, events::prompt_state::unknown);
    for (const auto& change : out.prompts) EXPECT_TRUE(change.outcome->is_error);
    EXPECT_EQ(reducer.row().status, events::session_status::idle);
    EXPECT_EQ(reducer.row().state, events::session_state::interrupted);
    EXPECT_FALSE(reducer.busy());
}

TEST(TurnReducer, AnAskedForEndOfAnIdleSessionIsNoError) {
    auto reducer = fresh_reducer();
    reduction out;
    reducer.on_process_end({}, now_ms, out);
    EXPECT_EQ(types(out), "session.updated");
    EXPECT_EQ(reducer.row().state, events::session_state::idle);
}

// The heart of "exactly once": stopped anywhere, stored and loaded, the events are the same as without a stop.
TEST(TurnReducer, AReloadBetweenAnyTwoLinesChangesNothing) {
    for (const auto& file : std::filesystem::directory_iterator(tests::captures())) {
        const auto lines = captured(file.path().stem());
        auto straight = fresh_reducer();
        auto reloaded = fresh_reducer();
        reduction expected, got;
        for (const auto& line : lines) {
            feed(straight, {line}, expected);
            feed(reloaded, {line}, got);
            reloaded = turn_reducer(reloaded.row(), memory_from_json(to_json(reloaded.memory())));
        }
        ASSERT_EQ(expected.events.size(), got.events.size()) << file.path();
        for (std::size_t i = 0; i < got.events.size(); ++i) {
            EXPECT_EQ(expected.events[i].type, got.events[i].type) << file.path();
            EXPECT_EQ(expected.events[i].body, got.events[i].body) << file.path();
        }
    }
}

TEST(TurnReducer, PartIdsAreUniqueInEveryCapture) {
    for (const auto& file : std::filesystem::directory_iterator(tests::captures())) {
        std::set<std::string> seen;
        for (const auto& body : bodies(reduce(file.path().stem()), "message.part.completed"))
            EXPECT_TRUE(seen.insert(body["part"]["id"]).second) << file.path() << " " << body["part"]["id"];
    }
}

TEST(TurnReducer, HugeTextsAndInputsAreCutInEvents) {
    auto reducer = fresh_reducer();
    reduction out;
    json block = {{"type", "tool_use"}, {"id", "t1"}, {"name", "Write"}};
    block["input"] = {{"content", std::string(2u << 20, 'x')}};
    json line = {{"type", "assistant"}, {"uuid", "u"}};
    line["message"] = {{"id", "m"},
                       {"content", json::array({block, {{"type", "text"}, {"text", std::string(2u << 20, 'y')}}})}};
    feed(reducer, {line.dump()}, out);
    for (const auto& event : out.events) EXPECT_LT(event.body.size(), 1u << 20);
    EXPECT_EQ(bodies(out, "message.part.updated").at(0)["part"]["input"]["truncated"], true);
}

}  // namespace
}  // namespace agent::session
