// What update and fork do to a session that runs, one that does not, and one that is in the way.
#include <algorithm>
#include <cctype>

#include "agent/claude/json_access.hpp"
#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

using proto::error_code;
using tests::fake_holder;
using tests::json;

class SessionChange : public tests::engine_fixture {
protected:
    // Claude takes all that it is asked for, but for the model that is called "none".
    void behave(fake_holder& holder) override {
        holder.on_line = [&holder](const json& line) {
            if (line["type"] != "control_request") return;
            json response = {{"subtype", "success"}, {"request_id", line["request_id"]}};
            if (line["request"]["subtype"] == "initialize") response["pending_permission_requests"] = json::array();
            if (claude::text_of(line["request"], "model") == "none")
                response = {{"subtype", "error"}, {"request_id", line["request_id"]}, {"error", "no such model"}};
            holder.say(json{{"type", "control_response"}, {"response", response}});
        };
    }
    proto::result<void> update(const std::string& session, const std::string& title, const std::string& model = {},
                               const std::string& mode = {}, const std::string& effort = {}) {
        return get(engine_->update({session, title, model, mode, effort}));
    }
    proto::result<created> fork(const std::string& session, const std::string& id = {}, const std::string& title = {}) {
        return get(engine_->fork({session, id, title}, who()));
    }
    session::details known(const std::string& session) {
        const auto found = get(engine_->get(session));
        EXPECT_TRUE(found);
        return found.value_or(details());
    }
    // The requests that the last claude was sent, by their subtype.
    std::map<std::string, json> asked() {
        std::map<std::string, json> out;
        for (const auto& line : machine_.last().written)
            if (const json each = json::parse(line); each["type"] == "control_request")
                out[each["request"]["subtype"]] = each["request"];
        return out;
    }
    bool started_with(const std::string& argument) {
        return std::ranges::find(machine_.spawned.back().argv, argument) != machine_.spawned.back().argv.end();
    }
    // Where claude keeps a conversation, with one answer in it.
    void answer_in_transcript(const std::string& session, const std::string& uuid) {
        std::string slug = (root_ / "project").string();
        for (char& c : slug)
            if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
        const auto directory = root_ / ".claude/projects" / slug;
        std::filesystem::create_directories(directory);
        std::ofstream(directory / (session + ".jsonl")) << json{{"type", "assistant"}, {"uuid", uuid}}.dump() << '\n';
    }
    std::string code_of(const auto& outcome) {
        return outcome ? "done" : std::string(proto::to_string(outcome.error().code));
    }
};

TEST_F(SessionChange, AClaudeThatRunsIsAskedForEachOfIt) {
    const auto session = create();
    ASSERT_TRUE(update(session, "T", "haiku", "plan", "max"));
    auto seen = asked();
    EXPECT_EQ(seen["rename_session"]["title"], "T");
    EXPECT_EQ(seen["set_model"]["model"], "haiku");
    EXPECT_EQ(seen["set_permission_mode"]["mode"], "plan");
    EXPECT_EQ(seen["apply_flag_settings"]["settings"]["effortLevel"], "max");
    EXPECT_EQ(known(session).session.title, "T");
    EXPECT_EQ(known(session).session.model, "haiku");
    EXPECT_EQ(known(session).session.permission_mode, "plan");
    EXPECT_EQ(count(session, "session.updated"), 1u);

    machine_.last().written.clear();
    ASSERT_TRUE(update(session, "U"));
    EXPECT_EQ(asked().size(), 1u) << "what was not given is not touched";
    EXPECT_EQ(known(session).session.model, "haiku");
}

TEST_F(SessionChange, HoldsForEveryLaterStartAlsoAfterARestart) {
    const auto session = create();
    ASSERT_TRUE(update(session, "T", "haiku", "plan", "max"));
    ASSERT_TRUE(get(engine_->dispose(session)));
    restart();
    ASSERT_TRUE(send(session, "go on"));
    for (const char* argument : {"--model=haiku", "--permission-mode=plan", "--effort=max"})
        EXPECT_TRUE(started_with(argument)) << argument;
    EXPECT_EQ(known(session).session.title, "T");
}

TEST_F(SessionChange, OneThatDoesNotRunIsOnlyWrittenDown) {
    const auto session = create();
    ASSERT_TRUE(get(engine_->dispose(session)));
    ASSERT_TRUE(update(session, "T", "haiku", "plan", "low"));
    EXPECT_EQ(machine_.spawned.size(), 1u);
    EXPECT_EQ(known(session).session.title, "T");
    EXPECT_EQ(known(session).session.status, "idle");
    ASSERT_TRUE(send(session, "go on"));
    for (const char* argument : {"--model=haiku", "--permission-mode=plan", "--effort=low"})
        EXPECT_TRUE(started_with(argument)) << argument;
}

TEST_F(SessionChange, WhatClaudeRefusesIsToldAndWhatItTookBeforeStays) {
    const auto session = create();
    const auto refused = update(session, "T", "none", "plan");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, error_code::invalid_argument);
    EXPECT_NE(refused.error().message.find("no such model"), std::string::npos);
    EXPECT_EQ(known(session).session.title, "T");
    EXPECT_EQ(known(session).session.permission_mode, "default");
    EXPECT_FALSE(asked().contains("set_permission_mode"));
}

TEST_F(SessionChange, NamesWhatItDoesNotTake) {
    const auto session = create();
    for (const auto& wrong : {update(session, std::string(121, 'x')), update(session, "", std::string(129, 'x')),
                              update(session, "", "", "any"), update(session, "", "", "bypassPermissions")})
        EXPECT_EQ(code_of(wrong), "invalid_argument");
    EXPECT_EQ(code_of(update("absent", "T")), "not_found");
    EXPECT_EQ(asked().size(), 1u) << "only initialize";
}

TEST_F(SessionChange, AForkBeginsAtTheLastAnswerWithTheSameOptions) {
    const auto session = create();
    ASSERT_TRUE(update(session, "T", "haiku", "plan", "max"));
    answer_in_transcript(session, "the-answer");
    const auto made = fork(session);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(machine_.spawned.size(), 2u);
    for (const std::string& argument :
         {"--resume=" + session, std::string("--fork-session"), std::string("--resume-session-at=the-answer"),
          "--session-id=" + made->session_id, std::string("--model=haiku"), std::string("--permission-mode=plan"),
          std::string("--effort=max")})
        EXPECT_TRUE(started_with(argument)) << argument;
    EXPECT_EQ(known(made->session_id).session.title, "T");
    EXPECT_EQ(known(made->session_id).forked_from, session);
    EXPECT_EQ(events(made->session_id).at(0).seq, made->cursor + 1);
    EXPECT_EQ(known(session).session.status, "live") << "the other one goes on";
}

TEST_F(SessionChange, AForkMayHaveATitleAndAnIdOfItsOwn) {
    const auto session = create();
    answer_in_transcript(session, "the-answer");
    const std::string id = "aaaaaaaa-0000-4000-8000-000000000009";
    const auto made = fork(session, id, "Its own");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->session_id, id);
    EXPECT_EQ(known(id).session.title, "Its own");
    EXPECT_EQ(code_of(fork(session, id)), "session_busy") << "the id is taken";
    EXPECT_EQ(code_of(fork(session, "no uuid")), "invalid_argument");
    EXPECT_EQ(code_of(fork(session, {}, std::string(121, 'x'))), "invalid_argument");
}

TEST_F(SessionChange, NothingIsForkedBeforeTheFirstAnswerOrInATurn) {
    const auto session = create();
    EXPECT_EQ(code_of(fork(session)), "invalid_argument");
    answer_in_transcript(session, "the-answer");
    ASSERT_TRUE(send(session, "work"));
    EXPECT_EQ(code_of(fork(session)), "session_busy");
    EXPECT_EQ(code_of(fork("absent")), "not_found");
    EXPECT_EQ(machine_.spawned.size(), 1u);
}

TEST_F(SessionChange, AForkOfAForkThatSaidNothingYetBeginsWhereThatOneDoes) {
    const auto session = create();
    answer_in_transcript(session, "the-answer");
    const auto first = fork(session);
    ASSERT_TRUE(first);
    ASSERT_TRUE(get(engine_->dispose(session)));
    const auto second = fork(first->session_id);
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_TRUE(started_with("--resume=" + session));
    EXPECT_TRUE(started_with("--resume-session-at=the-answer"));
}

}  // namespace
}  // namespace agent::session
