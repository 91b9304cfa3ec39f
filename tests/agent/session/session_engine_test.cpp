// The commands, as callers see them.
#include <algorithm>

#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

using proto::error_code;
using tests::fake_holder;
using tests::json;

class SessionEngine : public tests::engine_fixture {
protected:
    static std::string step(const std::string& uuid, const char* state) {
        return json{{"type", "command_lifecycle"}, {"command_uuid", uuid}, {"state", state}}.dump();
    }
    static std::string result(const std::string& text) {
        return json{
            {"type", "result"}, {"subtype", "success"}, {"is_error", false}, {"result", text}, {"uuid", "r-" + text}}
            .dump();
    }
    static std::string ask(const std::string& id) {
        json request = {{"subtype", "can_use_tool"}, {"tool_name", "Bash"}, {"input", {{"command", "ls"}}}};
        return json{{"type", "control_request"}, {"request_id", id}, {"request", request}}.dump();
    }
    proto::result<void> answer(const std::string& session, const std::string& request, permission_behavior behavior,
                               const std::string& name) {
        permission_answer what;
        what.session_id = session;
        what.request_id = request;
        what.behavior = behavior;
        return get(engine_->respond_permission(what, who(name)));
    }
};

TEST_F(SessionEngine, CreatesASessionAndSaysWhereItsEventsBegin) {
    create_request request;
    request.cwd = (root_ / "project").string();
    request.title = "A title";
    request.depth = 1;
    const auto made = get(engine_->create(request, who()));
    ASSERT_TRUE(made);
    const auto seen = events(made->session_id);
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_EQ(seen[0].type, "session.created");
    EXPECT_EQ(seen[0].seq, made->cursor + 1);
    const auto& spec = machine_.spawned.at(0);
    EXPECT_EQ(spec.env.at("CODEZ_SESSION_ID"), made->session_id);
    EXPECT_EQ(spec.env.at("CODEZ_DEPTH"), "2");
    const auto got = get(engine_->get(made->session_id));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->session.status, "live");
    EXPECT_EQ(got->session.title, "A title");
    EXPECT_EQ(got->session.claude_pid, 4242);
}

TEST_F(SessionEngine, RefusesBadRequestsNamingTheField) {
    const auto code = [&](auto change) {
        create_request request;
        request.cwd = (root_ / "project").string();
        change(request);
        const auto made = get(engine_->create(request, who()));
        return made ? std::string("made")
                    : std::string(proto::to_string(made.error().code)) + ": " + made.error().message;
    };
    EXPECT_TRUE(code([](auto& r) { r.cwd = "relative"; }).starts_with("invalid_argument: cwd"));
    EXPECT_TRUE(code([](auto& r) { r.cwd = "/no/such/place"; }).starts_with("invalid_argument: cwd"));
    EXPECT_TRUE(code([](auto& r) { r.permission_mode = "anything"; }).starts_with("invalid_argument: permission_mode"));
    EXPECT_TRUE(code([](auto& r) { r.permission_mode = "bypassPermissions"; }).starts_with("policy_denied"));
    EXPECT_TRUE(code([](auto& r) { r.session_id = "../../x"; }).starts_with("invalid_argument: session_id"));
    EXPECT_TRUE(code([](auto& r) { r.title = "\xff"; }).starts_with("invalid_argument"));
    EXPECT_TRUE(machine_.spawned.empty());
}

TEST_F(SessionEngine, AStartThatFailsLeavesNothingBehind) {
    machine_.on_spawn = [](fake_holder& holder) { holder.exits(3, "Error: broken installation"); };
    create_request request;
    request.cwd = (root_ / "project").string();
    const auto made = get(engine_->create(request, who()));
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().message.find("broken installation"), std::string::npos);
    EXPECT_NE(made.error().message.find("exit code 3"), std::string::npos);
    EXPECT_TRUE(get(engine_->list({}))->empty());
    EXPECT_EQ(log_->last_seq(), 0);
}

TEST_F(SessionEngine, ALockedSessionIsBusy) {
    machine_.refuse = hold::hold_error{hold::hold_errc::locked, "held"};
    create_request request;
    request.cwd = (root_ / "project").string();
    const auto made = get(engine_->create(request, who()));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, error_code::session_busy);
    EXPECT_TRUE(get(engine_->list({}))->empty());
}

TEST_F(SessionEngine, APromptIsStoredBeforeItIsWrittenAndItsTurnCanBeAwaited) {
    const auto session = create();
    const auto sent = send(session, "hello");
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->via, "live");
    EXPECT_EQ(events(session).back().seq, sent->cursor + 1);
    auto& holder = machine_.last();
    turn_until([&] { return !holder.prompts().empty(); });
    for (const auto& line : {step(sent->prompt_uuid, "queued"), step(sent->prompt_uuid, "started"), result("hi")})
        holder.say(line);
    const auto outcome = wait(session, sent->prompt_uuid);
    EXPECT_TRUE(outcome.done);
    EXPECT_FALSE(outcome.is_error);
    EXPECT_EQ(outcome.text, "hi");
    EXPECT_EQ(outcome.state, "completed");
    EXPECT_EQ(json::parse(outcome.result)["subtype"], "success");
}

TEST_F(SessionEngine, TheSamePromptTwiceIsSentOnce) {
    const auto session = create();
    const std::string uuid = "aaaaaaaa-0000-4000-8000-000000000001";
    const auto first = send(session, "hello", uuid);
    const auto again = send(session, "hello", uuid);
    ASSERT_TRUE(first && again);
    EXPECT_EQ(first->cursor, again->cursor);
    const auto other = send(session, "something else", uuid);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, error_code::idempotency_conflict);
    turn_until([&] { return !machine_.last().prompts().empty(); });
    EXPECT_EQ(machine_.last().prompts(), std::vector<std::string>{uuid});
}

TEST_F(SessionEngine, ATextThatIsStillToBeDoneIsAttachedToWhereThatIsWanted) {
    const auto session = create();
    const auto send_as = [&](const char* text, const std::string& client, bool attach) {
        prompt_request request;
        request.session_id = session;
        request.text = text;
        request.attach = attach;
        auto principal = who();
        principal.client_id = client;
        return get(engine_->send_prompt(request, principal)).value();
    };
    const auto first = send_as("go on", "c", true);
    EXPECT_FALSE(first.attached);
    const auto again = send_as("go on", "c", true);
    EXPECT_TRUE(again.attached);
    EXPECT_EQ(again.prompt_uuid, first.prompt_uuid);
    EXPECT_EQ(again.cursor, first.cursor);
    EXPECT_EQ(again.via, first.via);
    EXPECT_FALSE(send_as("go on", "c", false).attached);
    EXPECT_FALSE(send_as("go on", "other", true).attached);
    EXPECT_FALSE(send_as("go", "c", true).attached);
    const auto single = send_as("once", "c", true);
    auto& holder = machine_.last();
    turn_until([&] { return holder.prompts().size() == 5; });
    for (const auto& line : {step(single.prompt_uuid, "queued"), step(single.prompt_uuid, "cancelled")})
        holder.say(line);
    EXPECT_TRUE(wait(session, single.prompt_uuid).done);
    EXPECT_FALSE(send_as("once", "c", true).attached) << "it is done";
}

TEST_F(SessionEngine, AWaitReturnsWhenAPermissionIsAskedAndCanBeCancelled) {
    const auto session = create();
    const auto sent = send(session, "hello");
    machine_.last().say(ask("p1"));
    const auto outcome = wait(session, sent->prompt_uuid);
    EXPECT_FALSE(outcome.done);
    ASSERT_EQ(outcome.pending.size(), 1u);
    EXPECT_EQ(outcome.pending[0].request_id, "p1");

    wait_request request;
    request.session_id = session;
    request.prompt_uuid = sent->prompt_uuid;
    request.until_permission = false;
    request.token = std::make_shared<wait_token>();
    std::optional<bool> done;
    boost::asio::co_spawn(io_, engine_->wait_for_turn(request),
                          [&](std::exception_ptr, proto::result<turn_outcome> value) { done = value->done; });
    io_.poll();
    EXPECT_FALSE(done);
    request.token->cancel();
    turn_until([&] { return done.has_value(); });
    EXPECT_FALSE(*done);

    request.token = nullptr;
    request.until_resolved = "p1";
    done.reset();
    boost::asio::co_spawn(io_, engine_->wait_for_turn(request),
                          [&](std::exception_ptr, proto::result<turn_outcome> value) { done = value->done; });
    io_.poll();
    EXPECT_FALSE(done);
    ASSERT_TRUE(answer(session, "p1", permission_behavior::deny, "Ann"));
    turn_until([&] { return done.has_value(); });
    EXPECT_FALSE(*done) << "the turn goes on";
}

TEST_F(SessionEngine, TheFirstAnswerWinsAndTheSecondIsToldSo) {
    const auto session = create();
    auto& holder = machine_.last();
    holder.say(ask("p1"));
    turn_until([&] { return count(session, "channel.permission_request") == 1; });
    EXPECT_TRUE(answer(session, "p1", permission_behavior::allow, "Ann"));
    const auto second = answer(session, "p1", permission_behavior::deny, "Bob");
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("allowed by Ann"), std::string::npos);
    turn_until([&] { return !holder.answers().empty(); });
    EXPECT_EQ(holder.answers().at(0)["response"]["behavior"], "allow");
    EXPECT_EQ(answer(session, "p9", permission_behavior::deny, "Bob").error().code, error_code::not_found);
}

TEST_F(SessionEngine, EachFormOfAnAnswerIsWrittenToClaudeAndRecordedWithWhoGaveIt) {
    const auto session = create();
    auto& holder = machine_.last();
    const json suggestion = {{"type", "addRules"}, {"behavior", "allow"}, {"destination", "localSettings"}};
    json asked = json::parse(ask("p1"));
    asked["request"]["permission_suggestions"] = json::array({suggestion});
    holder.say(asked);
    holder.say(ask("p2"));
    turn_until([&] { return count(session, "channel.permission_request") == 2; });

    permission_answer allow;
    allow.session_id = session;
    allow.request_id = "p1";
    allow.behavior = permission_behavior::allow;
    allow.by = events::answerer_kind::person;
    allow.updated_input = R"({"command":"ls -l"})";
    allow.updated_permissions = R"([{"type":"addRules","behavior":"allow","destination":"userSettings"}])";
    EXPECT_EQ(get(engine_->respond_permission(allow, who())).error().code, error_code::invalid_argument)
        << "claude proposed another place";
    json narrowed = suggestion;
    narrowed["destination"] = "session";
    allow.updated_permissions = json::array({narrowed, suggestion}).dump();
    ASSERT_TRUE(get(engine_->respond_permission(allow, who())));
    permission_answer deny;
    deny.session_id = session;
    deny.request_id = "p2";
    deny.message = "Stop.";
    deny.interrupt = true;
    deny.by = events::answerer_kind::local;
    ASSERT_TRUE(get(engine_->respond_permission(deny, who())));

    turn_until([&] { return holder.answers().size() == 2; });
    const json allowed = holder.answers().at(0)["response"];
    EXPECT_EQ(allowed["updatedInput"], json({{"command", "ls -l"}}));
    EXPECT_EQ(allowed["updatedPermissions"], json::array({narrowed, suggestion}));
    EXPECT_EQ(holder.answers().at(1)["response"],
              json({{"behavior", "deny"}, {"message", "Stop."}, {"interrupt", true}}));
    std::vector<json> told;
    for (const auto& event : events(session))
        if (event.type == "channel.permission_resolved") told.push_back(json::parse(event.body));
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(told[0]["answeredByKind"], "person");
    EXPECT_EQ(told[0]["inputChanged"], true);
    EXPECT_EQ(told[0]["updatedPermissions"], allowed["updatedPermissions"]);
    EXPECT_EQ(told[1]["answeredByKind"], "local");
    EXPECT_EQ(told[1]["message"], "Stop.");
    EXPECT_EQ(told[1]["interrupt"], true);
}

TEST_F(SessionEngine, WhatWasAllowedForTheSessionIsNotAskedAgainUntilItIsTakenBack) {
    const auto session = create();
    permission_answer allow;
    allow.session_id = session;
    allow.request_id = "p1";
    allow.behavior = permission_behavior::allow;
    allow.for_session = true;
    allow.by = events::answerer_kind::person;
    machine_.last().say(ask("p1"));
    turn_until([&] { return count(session, "channel.permission_request") == 1; });
    ASSERT_TRUE(get(engine_->respond_permission(allow, who())));
    const auto grants = get(engine_->get(session))->grants;
    ASSERT_EQ(grants.size(), 1u);
    EXPECT_EQ(grants[0].rule, "Bash(ls)");
    EXPECT_EQ(grants[0].by, "Ann");

    // Answered in the commit that tells of it: nobody ever sees it open.
    restart();
    auto& holder = machine_.last();
    holder.say(ask("p2"));
    turn_until([&] { return count(session, "channel.permission_resolved") == 2; });
    const auto seen = events(session);
    const json resolved =
        json::parse(seen.back().type == "session.updated" ? seen[seen.size() - 2].body : seen.back().body);
    EXPECT_EQ(resolved["answeredByKind"], "grant");
    EXPECT_EQ(resolved["answeredBy"], "Ann");
    turn_until([&] { return holder.answers().size() == 1 || holder.answers().size() == 2; });
    EXPECT_EQ(holder.answers().back()["response"]["behavior"], "allow");

    EXPECT_EQ(get(engine_->revoke_grants(session, "nothing", {})).value(), 0);
    EXPECT_EQ(get(engine_->revoke_grants(session, grants[0].id, {})).value(), 1);
    EXPECT_EQ(count(session, "channel.grants_revoked"), 1u);
    holder.say(ask("p3"));
    turn_until([&] { return count(session, "channel.permission_request") == 3; });
    EXPECT_EQ(get(engine_->pending_permissions(session))->size(), 1u);
}

TEST_F(SessionEngine, GrantsOfAnIdleSessionAreTakenBackToo) {
    const auto session = create();
    machine_.last().say(ask("p1"));
    turn_until([&] { return count(session, "channel.permission_request") == 1; });
    permission_answer allow;
    allow.session_id = session;
    allow.request_id = "p1";
    allow.behavior = permission_behavior::allow;
    allow.for_session = true;
    ASSERT_TRUE(get(engine_->respond_permission(allow, who())));
    ASSERT_TRUE(get(engine_->dispose(session)));
    EXPECT_EQ(get(engine_->get(session))->grants.size(), 1u) << "they are the session's, not its process's";
    EXPECT_EQ(get(engine_->revoke_grants(session, "", {})).value(), 1);
    EXPECT_TRUE(get(engine_->get(session))->grants.empty());
    EXPECT_EQ(get(engine_->revoke_grants("none", "", {})).error().code, error_code::not_found);
}

TEST_F(SessionEngine, ARuleAnswersAndIsRecordedAndClaudeIsToldWhatToRefuse) {
    tool_rules_.deny.push_back(tool_rule::parse("Bash(ls *)").value());
    tool_rules_.audit.push_back(tool_rule::parse("Bash").value());
    restart();
    const auto session = create();
    const auto& argv = machine_.spawned.back().argv;
    EXPECT_NE(std::ranges::find(argv, R"x(--settings={"permissions":{"deny":["Bash(ls *)"]}})x"), argv.end());
    const json use = {{"type", "tool_use"}, {"id", "t1"}, {"name", "Bash"}, {"input", {{"command", "ls"}}}};
    json message = {{"id", "m1"}};
    message["content"] = json::array({use});
    machine_.last().say(json{{"type", "assistant"}, {"uuid", "u"}, {"message", message}});
    machine_.last().say(ask("p1"));
    turn_until([&] { return count(session, "channel.permission_resolved") == 1; });
    for (const auto& event : events(session)) {
        const json body = json::parse(event.body);
        if (event.type == "tool.audited") EXPECT_EQ(body["rule"], "Bash");
        if (event.type != "channel.permission_resolved") continue;
        EXPECT_EQ(body["behavior"], "deny");
        EXPECT_EQ(body["answeredByKind"], "rule");
        EXPECT_EQ(body["answeredBy"], "Bash(ls *)");
    }
    EXPECT_EQ(count(session, "tool.audited"), 1u);
    const auto late = answer(session, "p1", permission_behavior::allow, "Ann");
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().message.find("denied by Bash(ls *)"), std::string::npos) << late.error().message;
}

TEST_F(SessionEngine, AWithdrawnRequestCannotBeAnswered) {
    const auto session = create();
    machine_.last().say(ask("p1"));
    machine_.last().say(json{{"type", "control_cancel_request"}, {"request_id", "p1"}});
    turn_until([&] { return count(session, "channel.permission_resolved") == 1; });
    const auto late = answer(session, "p1", permission_behavior::allow, "Ann");
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().message.find("withdrawn"), std::string::npos);
    EXPECT_TRUE(machine_.last().answers().empty());
}

TEST_F(SessionEngine, AnAbortWithoutATurnIsFine) {
    const auto session = create();
    const auto idle = get(engine_->abort(session));
    ASSERT_TRUE(idle);
    EXPECT_FALSE(idle->was_running);
    const auto sent = send(session, "hello");
    const auto busy = get(engine_->abort(session));
    ASSERT_TRUE(sent && busy);
    EXPECT_TRUE(busy->was_running);
    EXPECT_EQ(get(engine_->abort("none")).error().code, error_code::not_found);
}

TEST_F(SessionEngine, ADisposedSessionIsResumedByThePromptThatFollows) {
    const auto session = create();
    ASSERT_TRUE(get(engine_->dispose(session)));
    EXPECT_EQ(get(engine_->get(session))->session.status, "idle");
    EXPECT_EQ(count(session, "session.error"), 0u);
    const auto sent = send(session, "again");
    ASSERT_TRUE(sent) << sent.error().message;
    EXPECT_EQ(sent->via, "resume");
    const auto seen = events(session);
    ASSERT_GE(seen.size(), 4u);  // created, idle, live again, the prompt
    EXPECT_EQ(json::parse(seen[1].body)["session"]["status"], "idle");
    EXPECT_EQ(json::parse(seen[2].body)["session"]["status"], "live");
    EXPECT_EQ(seen[3].type, "message.created");
    EXPECT_EQ(machine_.spawned.size(), 2u);
    EXPECT_NE(machine_.spawned[0].directory, machine_.spawned[1].directory);
    EXPECT_GE(machine_.leftovers_ended, 1);
}

// A mode that was allowed for one process must not outlive it.
TEST_F(SessionEngine, AResumedSessionStartsInTheModeItWasCreatedWith) {
    const auto session = create();
    machine_.last().say(
        json{{"type", "system"}, {"subtype", "init"}, {"permissionMode", "acceptEdits"}, {"model", "m-1"}});
    turn_until([&] { return get(engine_->get(session))->session.permission_mode == "acceptEdits"; });
    ASSERT_TRUE(get(engine_->dispose(session)));
    ASSERT_TRUE(send(session, "again"));
    const auto& argv = machine_.spawned.back().argv;
    EXPECT_NE(std::find(argv.begin(), argv.end(), "--permission-mode=default"), argv.end());
}

TEST_F(SessionEngine, ListsAndHealthTellWhatIsThere) {
    const auto first = create();
    const auto second = create();
    ASSERT_TRUE(get(engine_->dispose(first)));
    list_filter live;
    live.status = "live";
    const auto found = get(engine_->list(live));
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ(found->at(0).id, second);
    EXPECT_EQ(get(engine_->list({}))->size(), 2u);
    const auto health = engine_->health();
    EXPECT_EQ(health.live, 1);
    EXPECT_EQ(health.claude_version, "9.9.9");
    EXPECT_TRUE(health.troubles.empty());
}

TEST_F(SessionEngine, AnObserverHearsOfEveryChange) {
    std::vector<std::string> heard;
    engine_->on_summary([&](const summary& s) { heard.push_back(s.status + "/" + s.state); });
    const auto session = create();
    ASSERT_TRUE(get(engine_->dispose(session)));
    EXPECT_EQ(heard, (std::vector<std::string>{"live/idle", "idle/idle"}));
}

}  // namespace
}  // namespace agent::session
