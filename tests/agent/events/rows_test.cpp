#include <nlohmann/json.hpp>

#include "agent/events/permission_rows.hpp"
#include "agent/events/prompt_rows.hpp"
#include "agent/events/session_rows.hpp"
#include "tests/agent/events/log_fixture.hpp"

namespace agent::events::test {
namespace {

using common::db::connection;

class rows_test : public log_test {};

session_row a_session(const std::string& id, std::int64_t updated_at) {
    session_row s;
    s.id = id;
    s.slug = "-p";
    s.cwd = "/p";
    s.created_at = 1;
    s.updated_at = updated_at;
    return s;
}

TEST_F(rows_test, a_session_comes_back_as_it_was_saved) {
    run([](connection& c) {
        session_row s{.id = "i",
                      .slug = "-s",
                      .cwd = "/s",
                      .title = "ü",
                      .model = "m",
                      .permission_mode = "plan",
                      .include_partial = true,
                      .created_at = 1,
                      .updated_at = 2,
                      .last_message_at = 3,
                      .status = session_status::live,
                      .state = session_state::requires_action,
                      .spool_offset = 4,
                      .holder_directory = "/h",
                      .created_by = "w/u/c",
                      .depth = 1,
                      .metadata = R"({"a":1})",
                      .last_result = "{}",
                      .transcript_base_offset = 5};
        save_session(c, s);
        EXPECT_EQ(find_session(c, "i"), s);
        s.last_message_at.reset();
        s.state = session_state::interrupted;
        save_session(c, s);
        EXPECT_EQ(find_session(c, "i"), s);
        EXPECT_EQ(find_session(c, "j"), std::nullopt);
    });
}

TEST_F(rows_test, parts_of_a_session_change_alone) {
    run([](connection& c) {
        save_session(c, a_session("i", 1));
        EXPECT_TRUE(set_session_state(c, "i", session_status::live, session_state::running, 2));
        EXPECT_TRUE(any_session_running(c, ""));
        EXPECT_TRUE(any_session_running(c, "i"));
        EXPECT_FALSE(any_session_running(c, "j"));
        EXPECT_TRUE(set_session_holder(c, "i", "/h", 7, 3));
        EXPECT_TRUE(set_session_metadata(c, "i", "{\"m\":1}", 4));
        EXPECT_TRUE(set_session_title(c, "i", "t", 5));
        EXPECT_TRUE(set_session_model(c, "i", "m", "plan", 6));
        EXPECT_TRUE(set_session_result(c, "i", "{\"r\":1}", 7));
        EXPECT_TRUE(set_last_message_at(c, "i", 8));
        EXPECT_TRUE(set_spool_offset(c, "i", 9));
        auto wanted = a_session("i", 8);
        wanted.status = session_status::live;
        wanted.state = session_state::running;
        wanted.holder_directory = "/h";
        wanted.spool_offset = 9;
        wanted.metadata = "{\"m\":1}";
        wanted.title = "t";
        wanted.model = "m";
        wanted.permission_mode = "plan";
        wanted.last_result = "{\"r\":1}";
        wanted.last_message_at = 8;
        EXPECT_EQ(find_session(c, "i"), wanted);
        EXPECT_FALSE(set_spool_offset(c, "j", 9));
        EXPECT_FALSE(set_session_title(c, "j", "t", 9));
    });
}

TEST_F(rows_test, sessions_are_listed_newest_first_in_pages) {
    run([](connection& c) {
        for (const char* id : {"a", "b", "c"}) save_session(c, a_session(id, 10));
        auto other = a_session("d", 20);
        other.slug = "-other";
        other.status = session_status::live;
        save_session(c, other);
        const auto ids = [&c](const session_query& q) {
            std::string out;
            for (const auto& s : list_sessions(c, q)) out += s.id;
            return out;
        };
        session_query q;
        EXPECT_EQ(ids(q), "dcba");
        q.limit = 2;
        EXPECT_EQ(ids(q), "dc");
        q.before_ms = 10;
        q.before_id = "c";
        EXPECT_EQ(ids(q), "ba");
        q = {};
        q.slug = "-p";
        EXPECT_EQ(ids(q), "cba");
        q = {};
        q.status = session_status::live;
        EXPECT_EQ(ids(q), "d");
    });
}

TEST_F(rows_test, prompts_go_from_accepted_to_an_end) {
    run([](connection& c) {
        prompt_row p;
        p.uuid = "u1";
        p.session_id = "s";
        p.text = "do";
        p.principal = "w/u/c";
        p.cursor = 7;
        p.via = "live";
        EXPECT_TRUE(insert_prompt(c, p));
        EXPECT_EQ(find_prompt(c, "u1"), p);
        prompt_row again = p;
        again.text = "something else";
        EXPECT_FALSE(insert_prompt(c, again));
        EXPECT_EQ(find_prompt(c, "u1"), p);
        p.uuid = "u2";
        EXPECT_TRUE(insert_prompt(c, p));
        EXPECT_EQ(open_prompts(c, "s").size(), 2u);
        EXPECT_EQ(open_prompts(c, "t").size(), 0u);
        EXPECT_TRUE(set_prompt_state(c, "u1", prompt_state::started, 5));
        EXPECT_EQ(open_prompts(c, "s").front().state, prompt_state::started);
        EXPECT_TRUE(end_prompt(c, "u1", prompt_state::completed, "{\"ok\":1}", 6));
        EXPECT_EQ(find_prompt(c, "u1")->outcome, "{\"ok\":1}");
        EXPECT_EQ(open_prompts(c, "s").front().uuid, "u2");
        EXPECT_EQ(last_prompt(c, "s")->uuid, "u2");
        EXPECT_EQ(last_prompt(c, "t"), std::nullopt);
        EXPECT_FALSE(set_prompt_state(c, "u3", prompt_state::sent, 5));
    });
}

TEST_F(rows_test, an_open_prompt_is_found_by_its_session_sender_and_text) {
    run([](connection& c) {
        prompt_row p;
        p.session_id = "s";
        p.text = "do";
        p.principal = "ada";
        for (const char* uuid : {"u1", "u2", "u3"}) {
            p.uuid = uuid;
            insert_prompt(c, p);
        }
        end_prompt(c, "u3", prompt_state::completed, "{}", 6);
        EXPECT_EQ(find_open_prompt(c, "s", "ada", "do")->uuid, "u2");
        EXPECT_EQ(find_open_prompt(c, "t", "ada", "do"), std::nullopt);
        EXPECT_EQ(find_open_prompt(c, "s", "bob", "do"), std::nullopt);
        EXPECT_EQ(find_open_prompt(c, "s", "ada", "do "), std::nullopt);
    });
}

TEST_F(rows_test, the_first_answer_to_a_permission_holds) {
    run([](connection& c) {
        permission_row p;
        p.session_id = "s";
        p.request_id = "r1";
        p.tool_name = "Bash";
        p.details = R"({"title":"Run it?"})";
        EXPECT_TRUE(insert_permission(c, p));
        EXPECT_FALSE(insert_permission(c, p)) << "claude repeats it after an attach";
        EXPECT_EQ(find_permission(c, "s", "r1"), p);
        p.session_id = "t";
        EXPECT_TRUE(insert_permission(c, p)) << "ids are the session's own";
        EXPECT_EQ(pending_permissions(c).size(), 2u);
        EXPECT_TRUE(answer_permission(c, "s", "r1", permission_state::allowed, {answerer_kind::person, "Ann"}, 9));
        EXPECT_FALSE(answer_permission(c, "s", "r1", permission_state::denied, {answerer_kind::client, "Bob"}, 10));
        const auto answered = find_permission(c, "s", "r1");
        EXPECT_EQ(answered->state, permission_state::allowed);
        EXPECT_EQ(answered->answered_by, "Ann");
        EXPECT_EQ(answered->answered_kind, answerer_kind::person);
        EXPECT_EQ(answered->answered_at, 9);
        EXPECT_EQ(withdraw_permissions(c, "s", 11), std::vector<std::string>{});
        EXPECT_EQ(withdraw_permissions(c, "t", 11), std::vector<std::string>{"r1"});
        EXPECT_TRUE(pending_permissions(c).empty());
        EXPECT_EQ(find_permission(c, "none", "r1"), std::nullopt);
    });
}

TEST(request_json, is_sound_whatever_is_stored) {
    permission_row p;
    p.request_id = "r\"1";
    p.description = "bad \xff utf";
    p.input = "{\"deep\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    p.suggestions = "no json";
    p.details = R"({"half":)";
    const std::string text = request_json(p);
    ASSERT_TRUE(nlohmann::json::accept(text));
    p.input = R"({"text":")" + std::string(499 - 9, 'x') + "ääää\"}";
    const auto j = nlohmann::json::parse(request_json(p));
    EXPECT_EQ(j["requestId"], "r\"1");
    EXPECT_FALSE(j.contains("half"));
    EXPECT_EQ(j["suggestions"].size(), 0u);
    EXPECT_LE(j["inputPreview"].get<std::string>().size(), 503u);
    EXPECT_EQ(j["input"]["text"].get<std::string>().size(), 490u + 8);
    p.details = R"({"title":"Run it?","agentId":"a1"})";
    const auto more = nlohmann::json::parse(request_json(p));
    EXPECT_EQ(more["title"], "Run it?");
    EXPECT_EQ(more["agentId"], "a1");
    p.details = "{}";
    EXPECT_TRUE(nlohmann::json::accept(request_json(p)));
}

}  // namespace
}  // namespace agent::events::test
