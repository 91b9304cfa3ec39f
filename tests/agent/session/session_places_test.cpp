// Who may run: the bound on live sessions, and the end of those that have nothing to do.
#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

using proto::error_code;
using tests::fake_holder;
using tests::json;

class SessionPlaces : public tests::engine_fixture {
protected:
    static json started(const std::string& uuid) {
        return {{"type", "command_lifecycle"}, {"command_uuid", uuid}, {"state", "started"}};
    }
    static json result(const std::string& text) {
        return {
            {"type", "result"}, {"subtype", "success"}, {"is_error", false}, {"result", text}, {"uuid", "r-" + text}};
    }
    static json task(const char* what) {
        return {
            {"type", "system"}, {"subtype", what}, {"task_id", "t1"}, {"tool_use_id", "u1"}, {"status", "completed"}};
    }
    fake_holder& holder_of(const std::string& session) {
        for (auto spec = machine_.spawned.rbegin(); spec != machine_.spawned.rend(); ++spec)
            if (spec->session_id == session) return *machine_.holders.at(spec->directory);
        throw std::logic_error("the session was never started");
    }
    std::string status(const std::string& session) { return get(engine_->get(session))->session.status; }
    // A session in a turn that goes on.
    std::string busy() {
        const auto session = create();
        const auto sent = send(session, "work");
        EXPECT_TRUE(sent);
        holder_of(session).say(started(sent->prompt_uuid));
        return session;
    }
    std::string create_without_transcript() {
        create_request request;
        request.cwd = (root_ / "project").string();
        request.options.values = R"({"persist_session":false})";
        const auto made = get(engine_->create(request, who()));
        EXPECT_TRUE(made) << (made ? "" : made.error().message);
        return made ? made->session_id : "";
    }
    int position(const std::string& session) { return get(engine_->get(session))->session.queue_position; }
    std::string wait_state(const std::string& session, const std::string& prompt) {
        wait_request request;
        request.session_id = session;
        request.prompt_uuid = prompt;
        request.timeout = std::chrono::milliseconds(0);
        return get(engine_->wait_for_turn(request))->state;
    }
    void finish_turn(const std::string& session, const char* text = "done") { holder_of(session).say(result(text)); }
};

TEST_F(SessionPlaces, ANewSessionTakesThePlaceOfTheOneThatIsIdleForLongest) {
    const auto first = create();
    const auto second = create();
    ASSERT_TRUE(send(first, "work"));
    holder_of(first).say(result("done"));
    turn_until([&] { return count(first, "session.idle") == 1; });
    const auto third = create();
    EXPECT_EQ(status(first), "live");
    EXPECT_EQ(status(second), "idle");
    EXPECT_EQ(status(third), "live");
    EXPECT_EQ(count(second, "session.error"), 0u);

    ASSERT_TRUE(get(engine_->dispose(first)));
    const auto sent = send(second, "again");
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(sent->via, "resume");
}

TEST_F(SessionPlaces, SessionsThatWorkKeepTheirPlaces) {
    const auto first = busy();
    const auto second = create();
    holder_of(second).say(task("task_started"));  // a command in the background, no turn
    turn_until([&] { return count(second, "task.started") == 1; });
    const auto third = create();
    EXPECT_EQ(status(third), "idle");
    EXPECT_EQ(machine_.spawned.size(), 2u);
    EXPECT_EQ(count(third, "session.created"), 1u);

    holder_of(second).say(task("task_notification"));
    turn_until([&] { return count(second, "task.finished") == 1; });
    EXPECT_EQ(status(create()), "live");
    EXPECT_EQ(status(first), "live");
    EXPECT_EQ(status(second), "idle");
}

TEST_F(SessionPlaces, APromptToAnUnknownSessionTakesNobodysPlace) {
    const auto first = create();
    const auto second = create();
    EXPECT_EQ(send("aaaaaaaa-0000-4000-8000-00000000ffff", "hello").error().code, error_code::not_found);
    EXPECT_EQ(status(first), "live");
    EXPECT_EQ(status(second), "live");
}

// Nothing could resume it.
TEST_F(SessionPlaces, ASessionWithoutTranscriptKeepsItsPlace) {
    const auto first = create_without_transcript();
    const auto second = create();
    EXPECT_EQ(status(create()), "live");
    EXPECT_EQ(status(first), "live");
    EXPECT_EQ(status(second), "idle");
}

class SessionLine : public SessionPlaces {
protected:
    void SetUp() override {
        SessionPlaces::SetUp();
        first_ = busy();
        second_ = busy();
        third_ = create();
        fourth_ = create();
    }
    bool spawned(const std::string& session) {
        return std::ranges::any_of(machine_.spawned, [&](const auto& spec) { return spec.session_id == session; });
    }

    std::string first_, second_, third_, fourth_;
};

TEST_F(SessionLine, PromptsThatFindNoPlaceRunInTheirOrder) {
    const auto third = send(third_, "third");
    const auto fourth = send(fourth_, "fourth");
    const auto again = send(third_, "third again");
    ASSERT_TRUE(third && fourth && again);
    EXPECT_EQ(third->queue_position, 1);
    EXPECT_EQ(fourth->queue_position, 2);
    EXPECT_EQ(again->queue_position, 1);
    EXPECT_EQ(position(fourth_), 2);
    EXPECT_EQ(position(first_), 0);
    EXPECT_EQ(engine_->health().waiting, 2);
    EXPECT_EQ(wait_state(third_, third->prompt_uuid), "accepted");

    finish_turn(second_);
    turn_until([&] { return spawned(third_) && holder_of(third_).prompts().size() == 2; });
    EXPECT_EQ(holder_of(third_).prompts(), (std::vector{third->prompt_uuid, again->prompt_uuid}));
    EXPECT_EQ(status(second_), "idle");
    EXPECT_EQ(position(fourth_), 1);
    EXPECT_FALSE(spawned(fourth_));

    finish_turn(first_);
    turn_until([&] { return spawned(fourth_) && !holder_of(fourth_).prompts().empty(); });
    EXPECT_EQ(position(fourth_), 0);
    EXPECT_EQ(engine_->health().waiting, 0);
    EXPECT_EQ(count(fourth_, "session.error"), 0u);
}

TEST_F(SessionLine, SurvivesTheAgent) {
    const auto third = send(third_, "third");
    const auto fourth = send(fourth_, "fourth");
    ASSERT_TRUE(third && fourth);
    restart();
    EXPECT_EQ(position(third_), 1);
    EXPECT_EQ(position(fourth_), 2);
    finish_turn(first_);
    turn_until([&] { return spawned(third_) && !holder_of(third_).prompts().empty(); });
    EXPECT_EQ(holder_of(third_).prompts(), std::vector{third->prompt_uuid});
}

// The agent is killed after it has stored that it starts claude, and before claude got anything.
TEST_F(SessionLine, APromptThatNoClaudeWasGivenRunsAfterAnAgentsDeath) {
    ASSERT_TRUE(send(third_, "third"));
    machine_.on_spawn = [](fake_holder&) {};  // never answers `initialize`
    finish_turn(first_);
    turn_until([&] { return spawned(third_); });
    close();
    holder_of(third_).kill();
    machine_.on_spawn = [this](fake_holder& holder) { behave(holder); };
    open();
    turn_until([&] { return !holder_of(third_).gone && holder_of(third_).prompts().size() == 1; });
    EXPECT_EQ(count(third_, "session.error"), 0u);
}

TEST_F(SessionLine, AnAbortTakesASessionOut) {
    const auto third = send(third_, "third");
    const auto fourth = send(fourth_, "fourth");
    const auto aborted = get(engine_->abort(third_));
    ASSERT_TRUE(aborted);
    EXPECT_TRUE(aborted->was_running);
    EXPECT_EQ(wait_state(third_, third->prompt_uuid), "cancelled");
    EXPECT_EQ(count(third_, "session.idle"), 1u);
    EXPECT_EQ(position(fourth_), 1);
    ASSERT_TRUE(get(engine_->dispose(fourth_)));
    EXPECT_EQ(wait_state(fourth_, fourth->prompt_uuid), "cancelled");
    finish_turn(first_);
    turn_until([&] { return count(first_, "session.idle") == 1; });
    EXPECT_FALSE(spawned(third_));
}

TEST_F(SessionLine, AStartThatFailsIsToldAndTheNextGetsItsTurn) {
    const auto third = send(third_, "third");
    const auto fourth = send(fourth_, "fourth");
    machine_.refuse = hold::hold_error{hold::hold_errc::start_failed, "No such program."};
    finish_turn(first_);
    turn_until([&] { return count(third_, "session.idle") == 1 && count(fourth_, "session.idle") == 1; });
    EXPECT_EQ(wait_state(third_, third->prompt_uuid), "rejected");
    EXPECT_EQ(count(third_, "session.error"), 1u);
    EXPECT_EQ(wait_state(fourth_, fourth->prompt_uuid), "rejected");
}

TEST_F(SessionLine, ItsSamePromptTwiceIsKeptOnce) {
    const std::string uuid = "aaaaaaaa-0000-4000-8000-000000000001";
    const auto once = send(third_, "third", uuid);
    const auto again = send(third_, "third", uuid);
    ASSERT_TRUE(once && again);
    EXPECT_EQ(once->cursor, again->cursor);
    EXPECT_EQ(count(third_, "message.created"), 1u);
}

TEST_F(SessionLine, TheSameTextMayBeAttachedTo) {
    const auto first = send(third_, "third");
    ASSERT_TRUE(first);
    prompt_request request;
    request.session_id = third_;
    request.text = "third";
    request.attach = true;
    const auto again = get(engine_->send_prompt(request, who()));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->attached);
    EXPECT_EQ(again->prompt_uuid, first->prompt_uuid);
    EXPECT_EQ(again->queue_position, 1);
    EXPECT_EQ(count(third_, "message.created"), 1u);
    request.text = "another";
    const auto other = get(engine_->send_prompt(request, who()));
    ASSERT_TRUE(other);
    EXPECT_FALSE(other->attached);
}

TEST_F(SessionLine, ASessionWithoutTranscriptMayWaitForItsFirstProcess) {
    const auto fifth = create_without_transcript();
    ASSERT_TRUE(send(fifth, "fifth"));
    EXPECT_FALSE(spawned(fifth));
    finish_turn(first_);
    turn_until([&] { return spawned(fifth) && !holder_of(fifth).prompts().empty(); });
    EXPECT_EQ(count(fifth, "session.error"), 0u);
}

class IdleSessions : public SessionPlaces {
protected:
    void SetUp() override {
        idle_ttl_ = std::chrono::milliseconds(1);
        SessionPlaces::SetUp();
    }
};

TEST_F(IdleSessions, AreEndedAfterAWhileAndResumedByTheNextPrompt) {
    const auto working = busy();
    const auto session = create();
    turn_until([&] { return status(session) == "idle"; });
    EXPECT_EQ(count(session, "session.error"), 0u);
    EXPECT_EQ(status(working), "live");

    const auto sent = send(session, "again");
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(sent->via, "resume");
    holder_of(session).say(started(sent->prompt_uuid));
    holder_of(session).say(result("done"));
    EXPECT_EQ(wait(session, sent->prompt_uuid).text, "done");
    turn_until([&] { return status(session) == "idle"; });
}

TEST_F(IdleSessions, AreNotThoseThatWaitForAnAnswer) {
    const auto session = busy();
    json request = {{"subtype", "can_use_tool"}, {"tool_name", "Bash"}, {"input", {{"command", "ls"}}}};
    holder_of(session).say(json{{"type", "control_request"}, {"request_id", "p1"}, {"request", request}});
    turn_until([&] { return count(session, "channel.permission_request") == 1; });
    const auto other = create();
    turn_until([&] { return status(other) == "idle"; });
    EXPECT_EQ(status(session), "live");
}

}  // namespace
}  // namespace agent::session
