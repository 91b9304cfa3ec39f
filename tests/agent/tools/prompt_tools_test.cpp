#include <unistd.h>

#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

constexpr const char* old_id = "11111111-2222-4333-8444-555555555555";

class prompt_tools_test : public tools_test {
protected:
    static call_of send(const std::string& session, std::string text = "x") {
        return {"send_prompt", {{"session_id", session}, {"text", std::move(text)}}};
    }
    static call_of wait(const std::string& session) {
        return {"send_and_wait", {{"session_id", session}, {"text", "x"}}};
    }
};

TEST_F(prompt_tools_test, create_session_passes_on_what_was_asked_for) {
    call_of one{"create_session",
                {{"cwd", project() + "/../project/"},
                 {"title", "T"},
                 {"model", "sonnet"},
                 {"permission_mode", "plan"},
                 {"include_partial_messages", true}}};
    one.depth = 1;
    const auto made = value(one);
    EXPECT_EQ(made["cwd"], project());
    EXPECT_EQ(made["machine"], "m_1");
    EXPECT_EQ(made["machineName"], "laptop");
    const auto& asked = engine_.created.at(0);
    EXPECT_EQ(asked.cwd, project());
    EXPECT_EQ(asked.title, "T");
    EXPECT_EQ(asked.model, "sonnet");
    EXPECT_EQ(asked.permission_mode, "plan");
    EXPECT_TRUE(asked.include_partial_messages);
    EXPECT_FALSE(asked.allow_bypass);
    EXPECT_EQ(asked.depth, 1);
    const auto events =
        value({"poll_events", {{"session_id", made["sessionId"]}, {"cursor", made["cursor"]}, {"timeout_ms", 0}}});
    EXPECT_EQ(events["events"][0]["type"], "session.created");
}

TEST_F(prompt_tools_test, create_session_keeps_to_the_policy) {
    const auto refused = [&](json arguments) {
        const auto got = call({"create_session", std::move(arguments)});
        EXPECT_FALSE(got);
        EXPECT_EQ(got.error().code, error_code::policy_denied);
        EXPECT_FALSE(got.error().hint.empty());
        return got.error().message;
    };
    EXPECT_NE(refused({{"cwd", "/etc"}}).find("agent.toml"), std::string::npos) << "names the rule's file";
    refused({{"cwd", (directory_.path() / "outside").string()}});
    refused({{"cwd", project()}, {"permission_mode", "bypassPermissions"}});
    refused({{"cwd", project()}, {"permission_mode", "auto"}});
    EXPECT_EQ(code({"create_session", {{"cwd", project() + "/absent"}}}), error_code::invalid_argument);
    EXPECT_EQ(code({"create_session", {{"slug", "-no-such-project"}}}), error_code::not_found);
    EXPECT_EQ(code({"create_session"}), error_code::invalid_argument);
    EXPECT_TRUE(engine_.created.empty());
    set_policy("max_permission_mode = \"plan\"");
    ASSERT_TRUE(call({"create_session", {{"cwd", project()}}}));
    EXPECT_EQ(engine_.created.at(0).permission_mode, "plan") << "the highest that is open";
}

TEST_F(prompt_tools_test, create_session_finds_the_directory_of_a_slug) {
    engine_.add("s", project()).session.slug = "-its-slug";
    EXPECT_EQ(value({"create_session", {{"slug", "-its-slug"}}})["cwd"], project());
    std::filesystem::create_directories(work() / "other");
    leave_transcript(old_id, (work() / "other").string(), {"hello"});
    std::string simple = (work() / "other").string();
    std::ranges::replace(simple, '/', '-');
    EXPECT_EQ(value({"create_session", {{"slug", simple}}})["cwd"], (work() / "other").string());
}

TEST_F(prompt_tools_test, a_prompt_keeps_to_the_policy_of_now) {
    auto& session = engine_.add("s", project()).session;
    session.status = "live";
    ASSERT_TRUE(call(send("s")));
    set_policy("max_prompt_bytes = 3");
    EXPECT_EQ(code(send("s", "long")), error_code::policy_denied);
    set_policy("deny = [\"project\"]");
    EXPECT_EQ(code(send("s")), error_code::policy_denied);
    set_policy("max_permission_mode = \"plan\"");
    const auto mode = call(send("s"));
    ASSERT_FALSE(mode);
    EXPECT_EQ(mode.error().code, error_code::policy_denied);
    EXPECT_NE(mode.error().hint.find("Dispose"), std::string::npos);
    session.status = "idle";
    EXPECT_TRUE(call(send("s"))) << "it is resumed in a mode that is open";
    set_policy("");
    std::filesystem::rename(work() / "project", work() / "moved");
    std::filesystem::create_directory_symlink(work() / "moved", work() / "project");
    EXPECT_EQ(code(send("s")), error_code::policy_denied) << "a link in the directory's place";
    std::filesystem::remove(work() / "project");
    EXPECT_EQ(code(send("s")), error_code::invalid_argument);
}

TEST_F(prompt_tools_test, slug_and_cwd_must_be_the_sessions_own) {
    engine_.add("s", project()).session.status = "live";
    const auto with = [&](const char* name, const std::string& text) {
        auto one = send("s");
        one.arguments[name] = text;
        return one;
    };
    EXPECT_TRUE(call(with("slug", "-slug")));
    EXPECT_TRUE(call(with("cwd", project() + "/")));
    EXPECT_EQ(code(with("slug", "-other")), error_code::invalid_argument);
    EXPECT_EQ(code(with("cwd", work().string())), error_code::invalid_argument);
    EXPECT_EQ(code(send("nobody")), error_code::not_found);
}

TEST_F(prompt_tools_test, send_prompt_tells_where_its_events_begin) {
    engine_.add("s", project()).session.status = "live";
    const auto sent = value(send("s"));
    EXPECT_EQ(sent["via"], "live");
    const auto events = value({"poll_events", {{"session_id", "s"}, {"cursor", sent["cursor"]}, {"timeout_ms", 0}}});
    EXPECT_EQ(events["events"][0]["message"]["id"], sent["promptId"]);
}

TEST_F(prompt_tools_test, send_and_wait_tells_what_became_of_it) {
    engine_.add("s", project()).session.status = "live";
    const auto done = value(wait("s"));
    EXPECT_EQ(done["done"], true);
    EXPECT_EQ(done["ok"], true);
    EXPECT_EQ(done["text"], "the answer");
    EXPECT_EQ(done["timedOut"], false);
    EXPECT_EQ(done["result"]["subtype"], "success");
    ASSERT_EQ(done["messages"].size(), 1u);
    EXPECT_EQ(done["messages"][0]["id"], done["promptId"]);
    EXPECT_FALSE(done.contains("is_error"));

    engine_.outcome.is_error = true;
    engine_.outcome.error = "It broke.";
    const auto failed = value(wait("s"));
    EXPECT_EQ(failed["ok"], false);
    EXPECT_EQ(failed["error"], "It broke.");
    ASSERT_EQ(failed["messages"].size(), 1u) << "of this turn only";

    engine_.outcome = session::turn_outcome();
    session::pending_permission asked;
    asked.session_id = "s";
    asked.request_id = "r";
    asked.tool_name = "Bash";
    asked.input = R"({"command":"ls"})";
    engine_.outcome.pending.push_back(asked);
    const auto pending = value(wait("s"));
    EXPECT_EQ(pending["done"], false);
    EXPECT_EQ(pending["timedOut"], false);
    EXPECT_EQ(pending["pending_permissions"][0]["requestId"], "r");
    EXPECT_EQ(pending["pending_permissions"][0]["input"]["command"], "ls");

    engine_.outcome = session::turn_outcome();
    auto short_one = wait("s");
    short_one.arguments["timeout_ms"] = 0;
    EXPECT_EQ(value(short_one)["timedOut"], true);
}

TEST_F(prompt_tools_test, send_and_wait_says_when_it_waits_for_what_was_sent_before) {
    engine_.add("s", project()).session.status = "live";
    engine_.outcome = session::turn_outcome();
    auto at_once = wait("s");
    at_once.arguments["timeout_ms"] = 0;
    const auto first = value(at_once);
    EXPECT_FALSE(first.contains("attached"));
    const auto again = value(at_once);
    EXPECT_EQ(again["attached"], true);
    EXPECT_EQ(again["promptId"], first["promptId"]);
    EXPECT_EQ(again["cursor"], first["cursor"]);
    ASSERT_TRUE(call(send("s"))) << "who does not wait means another one";
    EXPECT_EQ(engine_.prompts.size(), 2u);
    engine_.outcome = fake_engine::done("over");
    EXPECT_FALSE(value(wait("s")).contains("attached"));
    EXPECT_EQ(engine_.prompts.size(), 3u);
}

TEST_F(prompt_tools_test, waiting_ends_with_its_caller) {
    engine_.add("s", project()).session.status = "live";
    engine_.waits_for_cancel = true;
    const auto reply = std::make_shared<collected_reply>();
    const auto waiting = begin(wait("s"), reply);
    run_until([this] { return engine_.waiting > 0; });
    ASSERT_TRUE(reply->cancel);
    reply->cancel();
    EXPECT_EQ(json::parse(*finish(waiting))["done"], false);
    EXPECT_FALSE(reply->cancel) << "nothing is told to a call that is over";
}

TEST_F(prompt_tools_test, a_command_that_would_begin_another_conversation_is_refused) {
    engine_.add("s", project()).session.status = "live";
    for (const char* text : {"/clear", "/reset", "/new", "/clear please"}) {
        const auto refused = call(send("s", text));
        ASSERT_FALSE(refused) << text;
        EXPECT_EQ(refused.error().code, error_code::invalid_argument);
        EXPECT_NE(refused.error().hint.find("create_session"), std::string::npos);
    }
    auto with_files = send("s", "/compact");
    with_files.arguments["uploads"] = json::array({"up_a"});
    EXPECT_EQ(code(with_files), error_code::invalid_argument);
    EXPECT_TRUE(engine_.prompts.empty());
    with_files.arguments["uploads"] = json::array();
    ASSERT_TRUE(call(with_files));
    ASSERT_TRUE(call(send("s", "/compact keep the names")));
    EXPECT_EQ(engine_.prompts.back().text, "/compact keep the names");
    ASSERT_TRUE(call(send("s", "/clearly text")));
}

TEST_F(prompt_tools_test, a_session_that_claude_left_is_taken_over_by_a_prompt) {
    const auto transcript = leave_transcript(old_id, project(), {"the first words", "the last words"});
    ASSERT_TRUE(call(send(old_id)));
    ASSERT_EQ(engine_.adopted.size(), 1u);
    const auto& taken = engine_.adopted.at(0);
    EXPECT_EQ(taken.session_id, old_id);
    EXPECT_EQ(taken.cwd, project());
    EXPECT_EQ(taken.title, "the first words");
    EXPECT_EQ(taken.permission_mode, "default");
    EXPECT_EQ(taken.transcript_end, static_cast<std::int64_t>(std::filesystem::file_size(transcript)));
    EXPECT_EQ(engine_.prompts.at(0).session_id, old_id);
    ASSERT_TRUE(call(send(old_id)));
    EXPECT_EQ(engine_.adopted.size(), 1u);
}

TEST_F(prompt_tools_test, taking_over_keeps_to_the_policy_and_acts_on_nothing_else) {
    leave_transcript(old_id, (directory_.path() / "outside").string(), {"secret"});
    EXPECT_EQ(code(send(old_id)), error_code::not_found);
    leave_transcript(old_id, project(), {"hello"});
    auto other_slug = send(old_id);
    other_slug.arguments["slug"] = "-other";
    EXPECT_EQ(code(other_slug), error_code::invalid_argument);
    set_policy("max_prompt_bytes = 1");
    EXPECT_EQ(code(send(old_id, "long")), error_code::policy_denied);
    EXPECT_TRUE(engine_.adopted.empty());
    set_policy("max_permission_mode = \"plan\"");
    ASSERT_TRUE(call(send(old_id)));
    EXPECT_EQ(engine_.adopted.at(0).permission_mode, "plan");
}

TEST_F(prompt_tools_test, a_session_that_a_running_claude_has_open_takes_no_prompt) {
    leave_transcript(old_id, project(), {"hello"});
    std::filesystem::create_directories(directory_.path() / "claude/sessions");
    const auto entry = directory_.path() / "claude/sessions" / (std::to_string(::getpid()) + ".json");
    std::ofstream(entry) << json{{"sessionId", old_id}, {"kind", "interactive"}}.dump();
    for (const bool known : {false, true}) {
        if (known) engine_.add(old_id, project());
        const auto refused = call(send(old_id));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, error_code::session_busy);
        EXPECT_NE(refused.error().message.find("terminal"), std::string::npos);
    }
    EXPECT_TRUE(engine_.adopted.empty());
    engine_.sessions.at(old_id).session.status = "live";
    EXPECT_TRUE(call(send(old_id))) << "it is ours that has it open";
}

}  // namespace
}  // namespace agent::tools::test
