// update_session, fork_session and rewind_session: what reaches the engine, and what never does.
#include "agent/tools/derived_id.hpp"
#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

constexpr const char* left_id = "11111111-2222-4333-8444-555555555555";

class session_change_test : public tools_test {
protected:
    session_change_test() { engine_.add("s", project()); }

    static call_of update(json more) {
        more["session_id"] = more.value("session_id", "s");
        return {"update_session", std::move(more)};
    }
    static call_of fork(json more = json::object()) {
        more["session_id"] = more.value("session_id", "s");
        return {"fork_session", std::move(more)};
    }
    // Both tools find their session the same way.
    void refuses_both(const json& more, error_code code) {
        json with_title = more;
        with_title["title"] = "T";
        EXPECT_EQ(this->code(update(with_title)), code) << more;
        EXPECT_EQ(this->code(fork(more)), code) << more;
        EXPECT_TRUE(engine_.updates.empty() && engine_.forks.empty()) << more;
    }
};

TEST_F(session_change_test, update_changes_what_was_given_and_nothing_else) {
    const auto now =
        value(update({{"title", "T"}, {"model", "haiku"}, {"permission_mode", "plan"}, {"effort", "max"}}));
    EXPECT_EQ(now["ok"], true);
    EXPECT_EQ(now["session"]["title"], "T");
    EXPECT_EQ(now["session"]["model"], "haiku");
    EXPECT_EQ(now["session"]["permissionMode"], "plan");
    const auto& all = engine_.updates.at(0);
    EXPECT_EQ(all.session_id, "s");
    EXPECT_EQ(all.effort, "max");

    EXPECT_EQ(value(update({{"title", "U"}}))["session"]["model"], "haiku");
    const auto& one = engine_.updates.at(1);
    EXPECT_EQ(one.title, "U");
    EXPECT_EQ(one.model + one.permission_mode + one.effort, "");
    EXPECT_TRUE(call(update({{"title", "U"}, {"slug", "-slug"}})));
}

TEST_F(session_change_test, update_takes_only_what_it_knows) {
    for (const json& wrong : {json::object(), json{{"title", ""}}, json{{"title", std::string(121, 'x')}},
                              json{{"model", " x"}}, json{{"model", std::string(129, 'x')}}, json{{"effort", "none"}},
                              json{{"permission_mode", "any"}}, json{{"title", 7}}, json{{"title", "T"}, {"cwd", "/"}}})
        EXPECT_EQ(code(update(wrong)), error_code::invalid_argument) << wrong;
    EXPECT_TRUE(engine_.updates.empty());
}

TEST_F(session_change_test, the_mode_keeps_to_the_policy) {
    for (const char* mode : {"auto", "bypassPermissions"})
        EXPECT_EQ(code(update({{"permission_mode", mode}})), error_code::policy_denied) << mode;
    set_policy("max_permission_mode = \"plan\"");
    EXPECT_EQ(code(update({{"permission_mode", "acceptEdits"}})), error_code::policy_denied);
    EXPECT_TRUE(engine_.updates.empty());
    ASSERT_TRUE(call(update({{"permission_mode", "plan"}})));
}

TEST_F(session_change_test, only_who_may_answer_requests_sets_the_mode) {
    auto program = update({{"permission_mode", "plan"}});
    program.remote = false;
    program.who.client_id = "session:s";
    EXPECT_EQ(code(program), error_code::permission_denied);
    program.arguments = update({{"title", "T"}}).arguments;
    EXPECT_TRUE(call(program)) << "the title is anybody's";

    set_policy("remote_permission_response = \"ask\"");
    const auto from_afar = update({{"permission_mode", "plan"}});
    EXPECT_EQ(code(from_afar), error_code::policy_denied);
    auto person = from_afar;
    person.who.is_person = true;
    EXPECT_TRUE(call(person));
}

TEST_F(session_change_test, fork_goes_on_in_a_session_of_its_own) {
    auto one = fork({{"title", "T"}});
    one.depth = 1;
    const auto made = value(one);
    EXPECT_EQ(made["forkedFrom"], "s");
    EXPECT_EQ(made["cwd"], project());
    EXPECT_EQ(made["machine"], "m_1");
    EXPECT_NE(made["sessionId"], "s");
    const auto& asked = engine_.forks.at(0);
    EXPECT_EQ(asked.session_id, "s");
    EXPECT_EQ(asked.title, "T");
    EXPECT_EQ(asked.depth, 1);
    EXPECT_EQ(asked.new_session_id, "") << "without a key the engine chooses";
    const auto events =
        value({"poll_events", {{"session_id", made["sessionId"]}, {"cursor", made["cursor"]}, {"timeout_ms", 0}}});
    EXPECT_EQ(events["events"][0]["type"], "session.created");
    EXPECT_TRUE(call(fork({{"slug", "-slug"}})));
    EXPECT_EQ(engine_.forks.at(1).title, "");
    EXPECT_EQ(code(fork({{"title", ""}})), error_code::invalid_argument);
}

TEST_F(session_change_test, the_same_key_forks_once_also_over_a_restart) {
    auto keyed = fork();
    keyed.key = "k";
    const auto first = value(keyed);
    EXPECT_EQ(first["sessionId"], id_from_key(keyed.who, "fork/s", "k"));
    EXPECT_EQ(value(keyed), first);
    restart();
    EXPECT_EQ(value(keyed), first);
    EXPECT_EQ(engine_.forks.size(), 1u);
    auto other = keyed;
    other.arguments["title"] = "another";
    EXPECT_EQ(code(other), error_code::idempotency_conflict);
    auto somebody = keyed;
    somebody.who = call_of::principal("bob");
    EXPECT_NE(value(somebody)["sessionId"], first["sessionId"]) << "a key is its caller's own";
}

TEST_F(session_change_test, the_session_must_be_there_open_and_nobody_elses) {
    refuses_both({{"session_id", "absent"}}, error_code::not_found);
    refuses_both({{"session_id", "../x"}}, error_code::invalid_argument);
    refuses_both({{"slug", "-other"}}, error_code::invalid_argument);
    engine_.add("outside", (directory_.path() / "outside").string());
    refuses_both({{"session_id", "outside"}}, error_code::policy_denied);
    set_policy("deny = [\"project\"]");
    refuses_both(json::object(), error_code::policy_denied);
}

TEST_F(session_change_test, a_session_that_claude_left_is_taken_over_first) {
    leave_transcript(left_id, project(), {"hello"});
    ASSERT_TRUE(call(update({{"session_id", left_id}, {"title", "T"}})));
    ASSERT_EQ(engine_.adopted.size(), 1u);
    EXPECT_EQ(engine_.adopted.at(0).session_id, left_id);
    EXPECT_EQ(engine_.updates.at(0).session_id, left_id);
    ASSERT_TRUE(call(fork({{"session_id", left_id}})));
    EXPECT_EQ(engine_.adopted.size(), 1u);
    EXPECT_EQ(engine_.forks.at(0).session_id, left_id);
}

TEST_F(session_change_test, what_the_engine_refuses_is_told) {
    for (const auto& one : {fork(), update({{"title", "T"}})}) {
        engine_.refusal =
            proto::error{error_code::session_busy, "The session is in the middle of a turn.", "Wait.", {}};
        EXPECT_EQ(code(one), error_code::session_busy) << one.tool;
    }
}

TEST_F(session_change_test, rewind_names_the_prompt_and_tells_what_differed) {
    const auto done = value({"rewind_session", {{"session_id", "s"}, {"prompt_id", "p"}, {"dry_run", true}}});
    EXPECT_EQ(done, (json{{"ok", true}, {"files", {"/w/a.txt"}}, {"insertions", 3}, {"deletions", 1}}));
    value({"rewind_session", {{"session_id", "s"}, {"prompt_id", "q"}}});
    ASSERT_EQ(engine_.rewinds.size(), 2u);
    EXPECT_EQ(engine_.rewinds[0].prompt_uuid, "p");
    EXPECT_TRUE(engine_.rewinds[0].dry_run);
    EXPECT_FALSE(engine_.rewinds[1].dry_run);
    EXPECT_EQ(code({"rewind_session", {{"session_id", "none"}, {"prompt_id", "p"}}}), error_code::not_found);
}

TEST_F(session_change_test, rewind_is_for_who_may_answer_permission_requests) {
    set_policy("remote_permission_response = \"never\"\n");
    restart();
    EXPECT_EQ(code({"rewind_session", {{"session_id", "s"}, {"prompt_id", "p"}}}), error_code::policy_denied);
    EXPECT_TRUE(engine_.rewinds.empty());
    value({"rewind_session", {{"session_id", "s"}, {"prompt_id", "p"}, {"dry_run", true}}});
}

}  // namespace
}  // namespace agent::tools::test
