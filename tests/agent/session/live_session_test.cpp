// What survives: restarts of the agent at any place, deaths of claude and of the holder, a log that refuses.
#include "agent/session/prompt_images.hpp"
#include "agent/uploads/attachments.hpp"
#include "tests/agent/claude/captured.hpp"
#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

using tests::captured;
using tests::fake_holder;
using tests::json;

class LiveSession : public tests::engine_fixture {
protected:
    // After a restart the fake claude says what it has open.
    void behave(fake_holder& holder) override {
        holder.on_line = [this, &holder](const json& line) {
            if (line["type"] != "control_request") return;
            json response = {
                {"subtype", "success"}, {"request_id", line["request_id"]}, {"pending_permission_requests", open_}};
            holder.say(json{{"type", "control_response"}, {"response", response}});
        };
    }
    static json ask(const std::string& id) {
        json request = {{"subtype", "can_use_tool"}, {"tool_name", "Bash"}, {"input", {{"command", "ls"}}}};
        return {{"type", "control_request"}, {"request_id", id}, {"request", request}};
    }
    static json step(const std::string& uuid, const char* state) {
        return {{"type", "command_lifecycle"}, {"command_uuid", uuid}, {"state", state}};
    }
    std::vector<std::string> told(const std::string& session) {
        std::vector<std::string> out;
        for (const auto& event : events(session)) {
            // Times and what else is said once a turn differ; what was said of messages must not.
            json body = json::parse(event.body);
            body.erase("session");
            if (body.contains("request")) body["request"].erase("createdAt");
            if (body.contains("message")) body["message"].erase("time");
            body.erase("sessionId");
            if (body.contains("message")) body["message"].erase("sessionId");
            out.push_back(event.type + " " + body.dump());
        }
        return out;
    }

    json open_ = json::array();
};

TEST_F(LiveSession, EveryEventOnceHoweverOftenTheAgentIsRestarted) {
    const auto lines = captured("47_parallel_tools");
    const auto straight = create();
    for (const auto& line : lines) machine_.last().say(line);
    turn_until([&] { return count(straight, "session.idle") == 1; });
    turn_until([&] { return machine_.last().acknowledged == machine_.last().lines.back().end_offset; });
    const auto expected = told(straight);

    const auto restarted = create();
    auto& holder = machine_.last();
    for (const auto& line : lines) {
        holder.say(line);
        // Nobody answers here, so claude keeps them open.
        if (json each = json::parse(line); each["type"] == "control_request") open_.push_back(std::move(each));
        restart();
    }
    turn_until([&] { return count(restarted, "session.idle") == 1; });
    EXPECT_EQ(told(restarted), expected);
    const auto seen = events(restarted);
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i].ordinal, static_cast<std::int64_t>(i));
}

TEST_F(LiveSession, APromptThatClaudeNeverQueuedIsSentAfterTheBarrier) {
    const auto session = create();
    const auto arrived = send(session, "arrived");
    const auto lost = send(session, "lost");
    ASSERT_TRUE(arrived && lost);
    auto& holder = machine_.last();
    turn_until([&] { return holder.prompts().size() == 2; });
    holder.say(step(arrived->prompt_uuid, "queued"));
    holder.written.clear();  // claude got only the first of them
    restart();
    turn_until([&] { return !holder.prompts().empty(); });
    EXPECT_EQ(holder.prompts(), std::vector<std::string>{lost->prompt_uuid});
    // Not before the barrier: `initialize` comes first.
    EXPECT_EQ(json::parse(holder.written.at(0))["request"]["subtype"], "initialize");
}

TEST_F(LiveSession, APromptThatIsSentAgainHasItsImages) {
    const auto session = create();
    const auto files = uploads::attachments_directory(root_ / "state", session);
    std::filesystem::create_directories(files);
    std::ofstream(files / "a.png") << "not really";
    prompt_request request;
    request.session_id = session;
    request.text = "look";
    request.prompt_uuid = "aaaaaaaa-0000-4000-8000-000000000001";
    ASSERT_TRUE(save_prompt_images(files, request.prompt_uuid, {{files / "a.png", "image/png"}}));
    request.images = load_prompt_images(files, request.prompt_uuid);
    ASSERT_TRUE(get(engine_->send_prompt(request, who())));
    auto& holder = machine_.last();
    turn_until([&] { return !holder.prompts().empty(); });
    const std::string first = holder.written.back();
    EXPECT_EQ(json::parse(first)["message"]["content"].at(0)["source"]["data"], "bm90IHJlYWxseQ==");
    holder.written.clear();  // claude got nothing of it
    restart();
    turn_until([&] { return !holder.prompts().empty(); });
    EXPECT_EQ(holder.written.back(), first);
}

TEST_F(LiveSession, APromptSentBeforeTheBarrierWaitsForIt) {
    const auto session = create();
    auto& holder = machine_.last();
    holder.on_line = {};  // the next agent's `initialize` is not answered yet
    restart();
    const auto sent = send(session, "early");
    ASSERT_TRUE(sent);
    turn_until([&] { return !holder.written.empty(); });
    EXPECT_TRUE(holder.prompts().empty());
    json response = {{"subtype", "success"},
                     {"request_id", json::parse(holder.written.back())["request_id"]},
                     {"pending_permission_requests", open_}};
    holder.say(json{{"type", "control_response"}, {"response", response}});
    turn_until([&] { return !holder.prompts().empty(); });
    EXPECT_EQ(holder.prompts(), std::vector<std::string>{sent->prompt_uuid});
}

TEST_F(LiveSession, ARequestEndsAtTheTimeThatItToldAlsoOverARestart) {
    permission_expiry_s_ = 1;
    restart();
    const auto session = create();
    machine_.last().say(ask("p1"));
    turn_until([&] { return count(session, "channel.permission_request") == 1; });
    const auto pending = get(engine_->pending_permissions(session));
    ASSERT_EQ(pending->size(), 1u);
    const json details = json::parse(pending->at(0).details);
    EXPECT_EQ(details["expiresAt"], pending->at(0).asked_at_ms + 1000);
    open_ = json::array({ask("p1")});
    restart();
    turn_until([&] { return count(session, "channel.permission_resolved") == 1; });
    for (const auto& event : events(session)) {
        if (event.type != "channel.permission_resolved") continue;
        const json body = json::parse(event.body);
        EXPECT_EQ(body["answeredByKind"], "expiry");
        EXPECT_EQ(body["behavior"], "deny");
        EXPECT_GE(event.at_ms, details["expiresAt"].get<std::int64_t>());
    }
}

TEST_F(LiveSession, AnAnswerThatClaudeDidNotGetIsWrittenAgain) {
    const auto session = create();
    auto& holder = machine_.last();
    holder.say(ask("p1"));
    turn_until([&] { return count(session, "channel.permission_request") == 1; });
    permission_answer answer;
    answer.session_id = session;
    answer.request_id = "p1";
    answer.behavior = permission_behavior::deny;
    answer.message = "not today";
    ASSERT_TRUE(get(engine_->respond_permission(answer, who())));
    open_ = json::array({ask("p1")});
    holder.written.clear();
    restart();
    turn_until([&] { return !holder.answers().empty(); });
    EXPECT_EQ(holder.answers().at(0)["response"]["message"], "not today");
    EXPECT_EQ(count(session, "channel.permission_request"), 1u);
    EXPECT_TRUE(get(engine_->pending_permissions(session))->empty());
}

TEST_F(LiveSession, APendingRequestSurvivesARestartAndIsAnsweredAfterwards) {
    const auto session = create();
    auto& holder = machine_.last();
    holder.say(ask("p1"));
    open_ = json::array({ask("p1")});
    turn_until([&] { return count(session, "channel.permission_request") == 1; });
    restart();
    ASSERT_EQ(get(engine_->pending_permissions(session))->size(), 1u);
    permission_answer answer;
    answer.session_id = session;
    answer.request_id = "p1";
    answer.behavior = permission_behavior::allow;
    ASSERT_TRUE(get(engine_->respond_permission(answer, who())));
    turn_until([&] { return !holder.answers().empty(); });
    EXPECT_EQ(holder.answers().at(0)["response"]["behavior"], "allow");
}

TEST_F(LiveSession, ARequestThatClaudeForgotIsWithdrawn) {
    const auto session = create();
    machine_.last().say(ask("p1"));
    turn_until([&] { return count(session, "channel.permission_request") == 1; });
    restart();
    turn_until([&] { return count(session, "channel.permission_resolved") == 1; });
    EXPECT_TRUE(get(engine_->pending_permissions(session))->empty());
}

TEST_F(LiveSession, ALogThatRefusesIsTriedAgainAndNothingIsLostOrDoubled) {
    const auto session = create();
    log_->failing_appends = 1;
    for (const auto& line : captured("03_permission_allow")) machine_.last().say(line);
    turn_until([&] { return count(session, "session.idle") == 1; });
    EXPECT_EQ(log_->failing_appends, 0);
    EXPECT_EQ(count(session, "channel.permission_request"), 1u);
    EXPECT_EQ(count(session, "message.created"), 2u);
    EXPECT_EQ(machine_.last().acknowledged, machine_.last().lines.back().end_offset);
}

TEST_F(LiveSession, ARefusedPromptIsAnErrorAndLeavesNoTrace) {
    const auto session = create();
    log_->failing_appends = 1;
    const auto refused = send(session, "x");
    EXPECT_FALSE(refused);
    const auto sent = send(session, "y");
    ASSERT_TRUE(sent);
    turn_until([&] { return !machine_.last().prompts().empty(); });
    EXPECT_EQ(machine_.last().prompts(), std::vector<std::string>{sent->prompt_uuid});
    EXPECT_EQ(count(session, "message.created"), 1u);
}

TEST_F(LiveSession, WhenClaudeDiesItsTurnFailsAndTheSessionCanBeResumed) {
    const auto session = create();
    const auto started = send(session, "one");
    const auto waiting = send(session, "two");
    auto& holder = machine_.last();
    holder.say(step(started->prompt_uuid, "started"));
    holder.say(ask("p1"));
    holder.exit.signal = 9;
    turn_until([&] { return count(session, "channel.permission_request") == 1; });
    holder.over = true;
    holder.changed.notify_all();
    const auto first = wait(session, started->prompt_uuid, false);
    EXPECT_TRUE(first.done && first.is_error);
    EXPECT_EQ(first.state, "completed");
    EXPECT_NE(first.error.find("signal 9"), std::string::npos);
    EXPECT_EQ(wait(session, waiting->prompt_uuid).state, "unknown");
    EXPECT_EQ(count(session, "session.error"), 1u);
    EXPECT_EQ(get(engine_->get(session))->session.state, "interrupted");
    EXPECT_TRUE(get(engine_->pending_permissions(session))->empty());
    const auto again = send(session, "again");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->via, "resume");
}

TEST_F(LiveSession, AHolderKilledWhileTheAgentWasAwayIsFoundOutAndItsSpoolRead) {
    const auto session = create();
    const auto sent = send(session, "one");
    auto& holder = machine_.last();
    turn_until([&] { return !holder.prompts().empty(); });
    close();
    holder.say(step(sent->prompt_uuid, "started"));
    for (const auto& line : captured("01_initialize_simple_multiturn")) holder.say(line);
    holder.kill();
    const int before = machine_.leftovers_ended;
    open();
    turn_until([&] { return count(session, "session.error") == 1; });
    EXPECT_GE(count(session, "message.part.completed"), 2u);
    EXPECT_TRUE(wait(session, sent->prompt_uuid).done);
    EXPECT_GT(machine_.leftovers_ended, before);
    EXPECT_EQ(get(engine_->get(session))->session.status, "idle");
}

TEST_F(LiveSession, ADeathDuringAStopIsNotMistakenForTheStop) {
    const auto session = create();
    close();
    EXPECT_FALSE(machine_.last().over);
    open();
    EXPECT_EQ(count(session, "session.error"), 0u);
    EXPECT_EQ(get(engine_->get(session))->session.status, "live");
}

TEST_F(LiveSession, UnreadableLinesAreSkipped) {
    const auto session = create();
    machine_.last().say(std::string("not json"));
    machine_.last().say(std::string(1000, '['));
    for (const auto& line : captured("03_permission_allow")) machine_.last().say(line);
    turn_until([&] { return count(session, "session.idle") == 1; });
    EXPECT_EQ(count(session, "session.error"), 0u);
}

}  // namespace
}  // namespace agent::session
