// The same key, the same answer: for each tool that changes something, at once, later, and over a crash of the agent.
#include "agent/events/permission_rows.hpp"
#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

class idempotency_test : public tools_test {
protected:
    idempotency_test() { engine_.add("s", project()).session.status = "live"; }

    call_of create(std::string key) { return {"create_session", {{"cwd", project()}}, std::move(key)}; }
    static call_of prompt(std::string key, std::string text = "x") {
        return {"send_prompt", {{"session_id", "s"}, {"text", std::move(text)}}, std::move(key)};
    }
    static call_of wait(std::string key, std::string text = "x") {
        return {"send_and_wait", {{"session_id", "s"}, {"text", std::move(text)}}, std::move(key)};
    }
    static call_of allow(std::string key) {
        return {
            "respond_permission", {{"session_id", "s"}, {"request_id", "r"}, {"behavior", "allow"}}, std::move(key)};
    }
    static call_of abort(std::string key) { return {"abort_session", {{"session_id", "s"}}, std::move(key)}; }
    static call_of dispose(std::string key) { return {"dispose_session", {{"session_id", "s"}}, std::move(key)}; }

    // As if the agent had been killed after the call had acted and before its answer was stored.
    void forget_answers() {
        run([](common::db::connection& c) { c.execute("UPDATE calls SET result = NULL"); });
        restart();
    }
};

TEST_F(idempotency_test, each_tool_acts_once_and_repeats_its_answer_byte_by_byte) {
    engine_.busy = true;
    for (const auto& make : {create("1"), prompt("2"), wait("3"), allow("4"), abort("5"), dispose("6")}) {
        const auto first = call(make);
        ASSERT_TRUE(first) << make.tool << ": " << first.error().message;
        const auto state = std::tuple(engine_.created.size(), engine_.prompts.size(), engine_.answers.size(),
                                      engine_.aborts, engine_.disposals);
        EXPECT_EQ(*call(make), *first) << make.tool;
        restart();
        EXPECT_EQ(*call(make), *first) << make.tool << ", after a restart";
        EXPECT_EQ(state, std::tuple(engine_.created.size(), engine_.prompts.size(), engine_.answers.size(),
                                    engine_.aborts, engine_.disposals))
            << make.tool;
    }
}

TEST_F(idempotency_test, how_long_to_wait_and_which_way_to_go_are_no_part_of_the_call) {
    auto first = wait("k");
    first.arguments["timeout_ms"] = 1000;
    auto second = wait("k");
    second.arguments["machine"] = "laptop";
    EXPECT_EQ(*call(first), *call(second));
}

TEST_F(idempotency_test, a_key_is_for_one_call_only) {
    ASSERT_TRUE(call(prompt("k")));
    for (const auto& other :
         {prompt("k", "another text"), wait("k"), create("k"), abort("k"), allow("k"), dispose("k")})
        EXPECT_EQ(code(other), error_code::idempotency_conflict) << other.tool;
    ASSERT_TRUE(call(create("c")));
    for (const auto& other : {prompt("c"), wait("c")}) EXPECT_EQ(code(other), error_code::idempotency_conflict);
    engine_.add("t", project()).session.status = "live";
    auto elsewhere = prompt("k");
    elsewhere.arguments["session_id"] = "t";
    EXPECT_EQ(code(elsewhere), error_code::idempotency_conflict);
    restart();
    EXPECT_EQ(code(wait("k")), error_code::idempotency_conflict) << "after a restart";
    EXPECT_EQ(engine_.prompts.size(), 1u);
    EXPECT_EQ(engine_.aborts + engine_.disposals, 0);

    auto somebody_else = prompt("k");
    somebody_else.who = call_of::principal("bob");
    EXPECT_TRUE(call(somebody_else));
    EXPECT_EQ(engine_.prompts.size(), 2u);
}

TEST_F(idempotency_test, two_at_once_act_once) {
    for (const auto& make : {create("1"), prompt("2"), wait("3"), abort("5")}) {
        const auto first = begin(make);
        const auto second = begin(make);
        const auto a = finish(first);
        const auto b = finish(second);
        ASSERT_TRUE(a && b) << make.tool;
        EXPECT_EQ(*a, *b) << make.tool;
    }
    EXPECT_EQ(engine_.created.size(), 1u);
    EXPECT_EQ(engine_.prompts.size(), 2u);
    EXPECT_EQ(engine_.aborts, 1);
}

TEST_F(idempotency_test, a_refused_call_leaves_its_key_free) {
    engine_.refusal = proto::error{error_code::session_busy, "Not now.", "", ""};
    EXPECT_EQ(code(prompt("k")), error_code::session_busy);
    EXPECT_TRUE(call(create("k")));
    auto outside = create("o");
    outside.arguments["cwd"] = "/etc";
    EXPECT_EQ(code(outside), error_code::policy_denied);
    EXPECT_TRUE(call(create("o")));
}

TEST_F(idempotency_test, a_failure_that_may_have_acted_is_repeated_not_tried_again) {
    engine_.refusal = proto::error{error_code::internal, "Claude Code could not be started.", "Look there.", ""};
    const auto first = call(create("k"));
    const auto again = call(create("k"));
    ASSERT_FALSE(first || again);
    EXPECT_EQ(first.error().message, again.error().message);
    EXPECT_EQ(again.error().hint, "Look there.");
    EXPECT_TRUE(engine_.created.empty());
}

TEST_F(idempotency_test, create_session_after_a_crash_answers_as_it_would_have) {
    const auto first = call(create("k"));
    ASSERT_TRUE(first);
    ASSERT_FALSE(json::parse(*first)["cursor"].get<std::string>().empty());
    append({events::test::made("elsewhere", "session.updated")});
    forget_answers();
    EXPECT_EQ(*call(create("k")), *first) << "the cursor too";
    EXPECT_EQ(*call(create("k")), *first);
    EXPECT_EQ(engine_.created.size(), 1u);
    auto elsewhere = create("k");
    elsewhere.arguments["cwd"] = work().string();
    EXPECT_EQ(code(elsewhere), error_code::idempotency_conflict);
    forget_answers();
    EXPECT_EQ(code(elsewhere), error_code::idempotency_conflict);
}

TEST_F(idempotency_test, create_session_waits_for_the_end_of_what_nobody_was_told_of) {
    engine_.silent = true;
    ASSERT_TRUE(call(create("k")));
    const std::string id = engine_.created.at(0).session_id;
    engine_.silent = false;
    forget_answers();
    const auto again = begin(create("k"));
    io_.restart();
    for (int i = 0; i < 50; ++i) io_.poll_one();
    EXPECT_FALSE(*again) << "the engine still has the half-made one";
    engine_.sessions.erase(id);
    ASSERT_TRUE(finish(again));
    EXPECT_EQ(engine_.created.size(), 2u);
    EXPECT_EQ(engine_.created.at(1).session_id, id);
}

TEST_F(idempotency_test, prompts_after_a_crash_are_not_sent_again) {
    const auto sent = call(prompt("p"));
    const auto waited = call(wait("w"));
    ASSERT_TRUE(sent && waited);
    forget_answers();
    EXPECT_EQ(*call(prompt("p")), *sent);
    const auto again = value(wait("w"));
    EXPECT_EQ(again["promptId"], json::parse(*waited)["promptId"]);
    EXPECT_EQ(again["done"], true);
    EXPECT_EQ(engine_.prompts.size(), 2u);
    EXPECT_EQ(code(prompt("p", "another text")), error_code::idempotency_conflict);
}

TEST_F(idempotency_test, waiting_that_ended_too_early_goes_on_with_the_same_call) {
    engine_.outcome = session::turn_outcome();
    auto short_one = wait("k");
    short_one.arguments["timeout_ms"] = 0;
    const auto first = value(short_one);
    EXPECT_EQ(first["done"], false);
    engine_.outcome = fake_engine::done("late");
    const auto second = value(wait("k"));
    EXPECT_EQ(second["done"], true);
    EXPECT_EQ(second["text"], "late");
    EXPECT_EQ(second["promptId"], first["promptId"]);
    engine_.outcome = fake_engine::done("something else");
    EXPECT_EQ(value(wait("k"))["text"], "late") << "its last word";
    EXPECT_EQ(engine_.prompts.size(), 1u);
}

TEST_F(idempotency_test, an_answer_too_long_for_the_journal_is_made_again) {
    engine_.outcome = fake_engine::done(std::string(100'000, 'x'));
    const auto first = value(wait("k"));
    EXPECT_EQ(value(wait("k"))["text"], first["text"]);
    EXPECT_EQ(engine_.prompts.size(), 1u);
    EXPECT_EQ(code(wait("k", "another text")), error_code::idempotency_conflict);
}

TEST_F(idempotency_test, a_permission_answered_before_the_crash_counts_as_answered) {
    ASSERT_TRUE(call(allow("k")));
    const auto answered = [this](const std::string& request, events::permission_state state, std::int64_t at) {
        run([=](common::db::connection& c) {
            events::permission_row row;
            row.session_id = "s";
            row.request_id = request;
            events::insert_permission(c, row);
            events::answer_permission(c, "s", request, state, {events::answerer_kind::client, "ada"}, at);
        });
    };
    answered("r", events::permission_state::allowed, std::numeric_limits<std::int64_t>::max());
    const proto::error late{error_code::invalid_argument, "The permission request is answered already.", "", ""};
    forget_answers();
    engine_.refusal = late;
    EXPECT_EQ(value(allow("k")), (json{{"ok", true}}));

    // In another sense, or before this call was made: somebody else's answer.
    for (const auto& [request, state, at] :
         {std::tuple("denied", events::permission_state::denied, std::numeric_limits<std::int64_t>::max()),
          std::tuple("earlier", events::permission_state::allowed, std::int64_t{1})}) {
        auto one = allow(request);
        one.arguments["request_id"] = request;
        ASSERT_TRUE(call(one));
        answered(request, state, at);
        forget_answers();
        engine_.refusal = late;
        EXPECT_EQ(code(one), error_code::invalid_argument) << request;
    }
}

TEST_F(idempotency_test, what_was_to_end_is_the_turn_of_then) {
    ASSERT_TRUE(call(prompt("")));
    engine_.busy = true;
    ASSERT_TRUE(call(abort("a")));
    ASSERT_TRUE(call(dispose("d")));
    forget_answers();
    EXPECT_TRUE(call(abort("a"))) << "no turn began since: it is done again, in case it was not";
    EXPECT_EQ(engine_.aborts, 2);

    run([](common::db::connection& c) { c.execute("UPDATE calls SET begun_at = begun_at - 60000"); });
    ASSERT_TRUE(call(prompt("", "a later turn")));
    forget_answers();
    EXPECT_EQ(value(abort("a")), (json{{"ok", true}}));
    EXPECT_EQ(value(dispose("d")), (json{{"ok", true}}));
    EXPECT_EQ(engine_.aborts, 2);
    EXPECT_EQ(engine_.disposals, 1);
}

TEST_F(idempotency_test, a_bug_does_not_block_its_key) {
    engine_.throws = 1;
    const auto broken = begin(create("k"));
    EXPECT_THROW(finish(broken), std::runtime_error);
    EXPECT_TRUE(call(create("k")));
}

TEST_F(idempotency_test, without_a_key_each_call_acts) {
    ASSERT_TRUE(call(create("")));
    ASSERT_TRUE(call(create("")));
    EXPECT_EQ(engine_.created.size(), 2u);
    EXPECT_TRUE(engine_.created.at(0).session_id.empty());
    forget_answers();
    run([](common::db::connection& c) {
        EXPECT_EQ(c.query("SELECT COUNT(*) AS n FROM calls WHERE result IS NULL")[0].integer("n"), 0);
    });
}

}  // namespace
}  // namespace agent::tools::test
