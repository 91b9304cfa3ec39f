// Reading and ending sessions: the engine's and those that claude left on the disk.
#include "agent/events/prompt_rows.hpp"
#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

constexpr const char* old_id = "11111111-2222-4333-8444-555555555555";

class session_tools_test : public tools_test {
protected:
    json list(json arguments = json::object()) { return value({"list_sessions", std::move(arguments)}); }
    static std::vector<std::string> ids(const json& page) {
        std::vector<std::string> out;
        for (const auto& one : page["sessions"]) out.push_back(one["id"]);
        return out;
    }
    void say(const std::string& session, const std::string& id) {
        const json body{{"sessionId", session},
                        {"message",
                         {{"id", id},
                          {"sessionId", session},
                          {"role", "assistant"},
                          {"time", {{"created", 1}}},
                          {"parts", {{{"id", id + ":0"}, {"type", "text"}, {"text", id}}}}}}};
        append({events::test::made(session, "message.created", body.dump())});
    }
    std::vector<std::string> read(const std::string& session, int limit, bool truncated) {
        const auto got = value({"get_session", {{"session_id", session}, {"limit", limit}}});
        EXPECT_EQ(got["truncated"], truncated) << session << " " << limit;
        std::vector<std::string> out;
        for (const auto& m : got["messages"]) out.push_back(m["parts"][0]["text"]);
        return out;
    }
    using names = std::vector<std::string>;
};

TEST_F(session_tools_test, list_is_one_order_in_pages_without_holes_or_doubles) {
    for (int i = 0; i < 7; ++i) engine_.add(fmt::format("s{}", i), project(), 1'000'000 + i / 2);
    leave_transcript(old_id, project(), {"hello"});
    leave_transcript("22222222-2222-4333-8444-555555555555", project(), {"hello"});
    leave_transcript("99999999-2222-4333-8444-555555555555", (directory_.path() / "outside").string(), {"secret"});
    const auto all = ids(list());
    ASSERT_EQ(all.size(), 9u);
    EXPECT_EQ((names(all.begin() + 2, all.end())), (names{"s6", "s5", "s4", "s3", "s2", "s1", "s0"}));
    for (const int limit : {1, 2, 4, 9}) {
        names seen;
        json arguments{{"limit", limit}};
        for (int page = 0; page < 20; ++page) {
            const auto got = list(arguments);
            for (auto& id : ids(got)) seen.push_back(id);
            if (!got.contains("next_cursor")) break;
            arguments["cursor"] = got["next_cursor"];
        }
        EXPECT_EQ(seen, all) << "limit " << limit;
    }
}

TEST_F(session_tools_test, list_goes_beyond_what_the_engine_gives_at_once) {
    for (int i = 0; i < 1100; ++i) engine_.add(fmt::format("s{:04}", i), project(), 1'000'000 + i);
    std::size_t seen = 0;
    json arguments{{"limit", 400}};
    std::string last;
    for (int page = 0; page < 10; ++page) {
        const auto got = list(arguments);
        seen += got["sessions"].size();
        last = ids(got).back();
        if (!got.contains("next_cursor")) break;
        arguments["cursor"] = got["next_cursor"];
    }
    EXPECT_EQ(seen, 1100u);
    EXPECT_EQ(last, "s0000");
    engine_.add("rare", project(), 5).session.slug = "-rare";
    EXPECT_EQ(ids(list({{"slug", "-rare"}, {"limit", 2}})), names{"rare"});
}

TEST_F(session_tools_test, one_of_the_engines_is_not_listed_again_for_its_transcript) {
    leave_transcript(old_id, project(), {"hello"});  // its file is newer than the engine's own time
    engine_.add(old_id, project(), 1'000'000);
    EXPECT_EQ(ids(list()), names{old_id});
    const auto first = list({{"limit", 1}});
    EXPECT_EQ(ids(first), names{old_id});
    EXPECT_FALSE(first.contains("next_cursor"));
}

TEST_F(session_tools_test, list_of_a_project_takes_either_spelling) {
    leave_transcript(old_id, project(), {"hello"});
    std::string simple = project();
    std::ranges::replace(simple, '/', '-');
    EXPECT_EQ(ids(list({{"slug", simple}})), names{old_id});
    EXPECT_EQ(ids(list({{"slug", "-other"}})), names{});
    EXPECT_EQ(ids(list({{"slug", "../../outside"}})), names{});
}

TEST_F(session_tools_test, cursors_that_it_never_gave_are_refused) {
    for (const char* bad : {"x", ":", "12", "-1:a", "0:a", "99999999999999999999:a", "1 :a"})
        EXPECT_EQ(code({"list_sessions", {{"cursor", bad}}}), error_code::cursor_invalid) << bad;
}

TEST_F(session_tools_test, get_session_shows_the_newest_messages) {
    engine_.add("s", project());
    for (const char* id : {"one", "two", "three"}) say("s", id);
    EXPECT_EQ(read("s", 200, false), (names{"one", "two", "three"}));
    EXPECT_EQ(read("s", 2, true), (names{"two", "three"}));
    EXPECT_EQ(read("s", 0, true), names{});
    engine_.add("empty", project());
    EXPECT_EQ(read("empty", 0, false), names{});
    EXPECT_EQ(code({"get_session", {{"session_id", "nobody"}}}), error_code::not_found);
    EXPECT_EQ(code({"get_session", {{"session_id", "s"}, {"slug", "-other"}}}), error_code::invalid_argument);
}

TEST_F(session_tools_test, get_session_goes_on_from_the_transcript_of_before) {
    const auto transcript = leave_transcript(old_id, project(), {"a", "b", "c"});
    EXPECT_EQ(read(old_id, 200, false), (names{"a", "b", "c"})) << "not the engine's yet";
    EXPECT_EQ(read(old_id, 2, true), (names{"b", "c"}));
    EXPECT_EQ(read(old_id, 0, true), names{});

    engine_.add(old_id, project()).session.transcript_base =
        static_cast<std::int64_t>(std::filesystem::file_size(transcript));
    leave_transcript(old_id, project(), {"a", "b", "c", "written after, so also in the log"});
    EXPECT_EQ(read(old_id, 200, false), (names{"a", "b", "c"}));
    EXPECT_EQ(read(old_id, 0, true), names{});
    say(old_id, "d");
    say(old_id, "e");
    EXPECT_EQ(read(old_id, 200, false), (names{"a", "b", "c", "d", "e"}));
    EXPECT_EQ(read(old_id, 3, true), (names{"c", "d", "e"}));
    EXPECT_EQ(read(old_id, 2, true), (names{"d", "e"}));
    EXPECT_EQ(read(old_id, 1, true), (names{"e"}));
    std::filesystem::remove(transcript);
    EXPECT_EQ(read(old_id, 200, true), (names{"d", "e"})) << "what is gone is told, not an error";
}

TEST_F(session_tools_test, sessions_outside_the_roots_do_not_exist) {
    leave_transcript(old_id, (directory_.path() / "outside").string(), {"secret"});
    for (const char* tool : {"get_session", "poll_events", "abort_session", "dispose_session"})
        EXPECT_EQ(code({tool, {{"session_id", old_id}}}), error_code::not_found) << tool;
}

TEST_F(session_tools_test, one_that_nobody_runs_has_nothing_to_end) {
    leave_transcript(old_id, project(), {"hello"});
    EXPECT_EQ(value({"abort_session", {{"session_id", old_id}}})["was_running"], false);
    EXPECT_EQ(value({"dispose_session", {{"session_id", old_id}}})["ok"], true);
    EXPECT_EQ(code({"abort_session", {{"session_id", "nobody"}}}), error_code::not_found);
    EXPECT_EQ(engine_.aborts + engine_.disposals, 0);
}

TEST_F(session_tools_test, permissions_are_answered_as_asked_and_where_the_policy_lets_them) {
    engine_.add("s", project());
    call_of deny{"respond_permission",
                 {{"session_id", "s"}, {"request_id", "r"}, {"behavior", "deny"}, {"message", "No."}}};
    ASSERT_TRUE(call(deny));
    EXPECT_EQ(engine_.answers.at(0).message, "No.");
    EXPECT_EQ(engine_.answers.at(0).behavior, session::permission_behavior::deny);
    auto allow = deny;
    allow.arguments["behavior"] = "allow";
    allow.arguments.erase("message");
    ASSERT_TRUE(call(allow));
    EXPECT_EQ(engine_.answers.back().by, events::answerer_kind::client);
    allow.who.is_person = true;
    allow.arguments["updated_input"] = {{"command", "ls"}};
    ASSERT_TRUE(call(allow));
    EXPECT_EQ(engine_.answers.back().by, events::answerer_kind::person);
    EXPECT_EQ(engine_.answers.back().updated_input, R"({"command":"ls"})");
    auto changed = deny;
    changed.arguments["interrupt"] = true;
    ASSERT_TRUE(call(changed));
    EXPECT_TRUE(engine_.answers.back().interrupt);
    changed = allow;
    changed.arguments["updated_permissions"] = {{{"type", "addRules"}, {"destination", "session"}}};
    EXPECT_EQ(code(changed), error_code::policy_denied) << "claude's own rules, from afar";
    changed.remote = false;
    ASSERT_TRUE(call(changed));
    EXPECT_EQ(json::parse(engine_.answers.back().updated_permissions), changed.arguments["updated_permissions"]);
    changed = allow;
    changed.arguments["answers"] = {{"Which?", "Red"}};
    changed.arguments["permission_mode"] = "auto";
    EXPECT_EQ(code(changed), error_code::policy_denied) << "above the machine's highest";
    changed.arguments["permission_mode"] = "acceptEdits";
    changed.remote = false;
    ASSERT_TRUE(call(changed));
    EXPECT_FALSE(engine_.answers.back().for_session);
    changed.arguments["behavior"] = "allow_for_session";
    ASSERT_TRUE(call(changed));
    EXPECT_TRUE(engine_.answers.back().for_session);
    EXPECT_EQ(engine_.answers.back().answers, R"({"Which?":"Red"})");
    EXPECT_EQ(engine_.answers.back().permission_mode, "acceptEdits");
    EXPECT_EQ(engine_.answers.back().by, events::answerer_kind::local);
    set_policy("remote_permission_response = \"never\"");
    EXPECT_EQ(code(allow), error_code::policy_denied);
    allow.who.workspace_id = "local";
    EXPECT_EQ(code(allow), error_code::policy_denied) << "over the link, whoever it says it is";
    allow.remote = false;
    EXPECT_TRUE(call(allow));
}

TEST_F(session_tools_test, who_prompted_answers_only_where_the_policy_lets_it) {
    engine_.add("s", project());
    call_of allow{"respond_permission", {{"session_id", "s"}, {"request_id", "r"}, {"behavior", "allow"}}};
    const auto sends = [this](const std::string& uuid, const std::string& principal) {
        run([=](common::db::connection& c) {
            events::prompt_row row;
            row.uuid = uuid;
            row.session_id = "s";
            row.principal = principal;
            events::insert_prompt(c, row);
        });
    };
    sends("u1", allow.who.key());
    ASSERT_TRUE(call(allow)) << "the policy's default";
    set_policy("self_approval = \"ask\"");
    EXPECT_EQ(code(allow), error_code::policy_denied);
    auto person = allow;
    person.who.is_person = true;
    EXPECT_TRUE(call(person));
    set_policy("self_approval = \"deny\"");
    EXPECT_EQ(code(person), error_code::policy_denied);
    auto another = allow;
    another.who = call_of::principal("bob");
    EXPECT_TRUE(call(another));
    sends("u2", "w/u/somebody");
    EXPECT_EQ(code(allow), error_code::policy_denied) << "its own prompt is not done";
    run([](common::db::connection& c) { events::end_prompt(c, "u1", events::prompt_state::completed, "{}", 5); });
    EXPECT_TRUE(call(allow)) << "what runs now is another's";
}

TEST_F(session_tools_test, programs_in_sessions_do_not_answer) {
    engine_.add("s", project());
    call_of allow{"respond_permission", {{"session_id", "s"}, {"request_id", "r"}, {"behavior", "allow"}}};
    allow.remote = false;
    for (const char* client : {"session:s", "session:other", "hidden"}) {
        allow.who.client_id = client;
        EXPECT_EQ(code(allow), error_code::permission_denied) << client;
    }
    EXPECT_TRUE(engine_.answers.empty());
    allow.who.client_id = "loopback";
    EXPECT_TRUE(call(allow));
}

TEST_F(session_tools_test, grants_are_listed_and_taken_back) {
    engine_.add("s", project()).grants = {{"g1", "Bash(ls)", "Ann", "person", 5}, {"g2", "Write", "Bob", "client", 6}};
    const auto grants = value({"get_session", {{"session_id", "s"}}})["grants"];
    ASSERT_EQ(grants.size(), 2u);
    EXPECT_EQ(grants[0], (json{{"grantId", "g1"},
                               {"rule", "Bash(ls)"},
                               {"grantedBy", "Ann"},
                               {"grantedByKind", "person"},
                               {"grantedAt", 5}}));
    EXPECT_EQ(code({"revoke_grant", {{"session_id", "s"}, {"grant_id", "g9"}}}), error_code::not_found);
    EXPECT_EQ(code({"revoke_grant", {{"session_id", "nobody"}}}), error_code::not_found);
    EXPECT_EQ(value({"revoke_grant", {{"session_id", "s"}, {"grant_id", "g1"}}})["revoked"], 1);
    EXPECT_EQ(engine_.revoked_by.kind, events::answerer_kind::client);
    EXPECT_EQ(value({"revoke_grant", {{"session_id", "s"}}})["revoked"], 1);
    EXPECT_EQ(value({"revoke_grant", {{"session_id", "s"}}})["revoked"], 0);
}

TEST_F(session_tools_test, permission_requests_of_all_sessions_are_listed_and_bounded) {
    EXPECT_EQ(value({"list_permissions"})["permissions"], json::array());
    const auto pending = [this](const std::string& session, const std::string& request, std::size_t bytes) {
        session::pending_permission one;
        one.session_id = session;
        one.request_id = request;
        one.tool_name = "Bash";
        one.input = json{{"command", std::string(bytes, 'x')}}.dump();
        one.suggestions = "[]";
        one.details = R"({"kind":"tool","expiresAt":7})";
        engine_.sessions[session].pending.push_back(one);
    };
    engine_.add("s", project()).session.title = "Work";
    engine_.add("t", project());
    pending("s", "r1", 10);
    pending("t", "r2", 100'000);
    const auto list = value({"list_permissions"})["permissions"];
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0]["sessionTitle"], "Work");
    EXPECT_EQ(list[0]["cwd"], project());
    EXPECT_EQ(list[0]["machineName"], "laptop");
    EXPECT_EQ(list[0]["expiresAt"], 7);
    EXPECT_TRUE(list[0].contains("input"));
    EXPECT_FALSE(list[1].contains("input")) << "long: get_session has it";
    for (int i = 0; i < 200; ++i) pending("t", fmt::format("more{}", i), 16'000);
    const auto cut = value({"list_permissions"});
    EXPECT_EQ(cut["truncated"], true);
    EXPECT_LT(cut.dump().size(), 3u << 20);
}

}  // namespace
}  // namespace agent::tools::test
