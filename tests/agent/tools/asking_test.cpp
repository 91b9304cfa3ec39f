// send_and_wait with a client that can be asked: what is asked, and what becomes of each answer.
#include "agent/tools/permission_question.hpp"
#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using told = common::mcp::input_outcome;
using state = told::state;

constexpr const char* allow = R"({"action":"accept","content":{"decision":"allow"}})";
constexpr const char* deny = R"({"action":"accept","content":{"decision":"deny","message":"Not now."}})";

session::pending_permission request(std::string id, std::string tool = "Bash") {
    session::pending_permission out;
    out.session_id = "s";
    out.request_id = std::move(id);
    out.tool_name = std::move(tool);
    out.input = R"({"command":"ls"})";
    out.input_preview = "ls";
    return out;
}

class asking_test : public tools_test {
protected:
    asking_test() {
        engine_.add("s", project()).session.status = "live";
        engine_.sessions.at("s").session.title = "The title";
        engine_.outcome = session::turn_outcome();
        engine_.outcome.pending = {request("r1")};
        engine_.after_answers = fake_engine::done("the answer");
    }
    static call_of wait() {
        call_of out{"send_and_wait", {{"session_id", "s"}, {"text", "x"}}};
        out.takes_forms = true;
        return out;
    }
    void answers_with(std::vector<std::string> results) {
        reply_->answer = [results, n = std::make_shared<std::size_t>(0)] {
            return told{state::answered, {{"", results.at(std::min((*n)++, results.size() - 1))}}};
        };
    }
    json run(call_of what = wait()) {
        const auto got = finish(begin(std::move(what), reply_));
        EXPECT_TRUE(got) << got.error().message;
        return got && !got->empty() ? json::parse(*got) : json();
    }
    json first_form() { return json::parse(reply_->asked.at(0).params); }

    std::shared_ptr<collected_reply> reply_ = std::make_shared<collected_reply>();
};

TEST_F(asking_test, a_request_that_is_allowed_runs_and_the_call_waits_on) {
    answers_with({allow});
    const auto done = run();
    EXPECT_EQ(done["done"], true);
    EXPECT_EQ(done["text"], "the answer");
    ASSERT_EQ(engine_.answers.size(), 1u);
    EXPECT_EQ(engine_.answers[0].request_id, "r1");
    EXPECT_EQ(engine_.answers[0].behavior, session::permission_behavior::allow);
    EXPECT_EQ(engine_.answers[0].message, "");
    ASSERT_EQ(reply_->asked.size(), 1u);
    EXPECT_EQ(reply_->asked[0].kind, common::mcp::input_kind::elicitation);
    const std::string text = first_form()["message"];
    for (const char* part : {"Bash", "The title", "(s)", "ls"}) EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_EQ(first_form()["requestedSchema"]["properties"]["decision"]["enum"], json({"allow", "deny"}));
    EXPECT_EQ(first_form()["requestedSchema"]["required"], json({"decision"}));
    EXPECT_FALSE(reply_->cancel) << "nothing is told to a call that is over";
}

TEST_F(asking_test, every_request_of_the_turn_is_asked_about_with_a_key_of_its_own) {
    engine_.outcome.pending = {request("r1"), request("r/2 odd"), request("r3")};
    answers_with({deny, allow, allow});
    EXPECT_EQ(run()["done"], true);
    ASSERT_EQ(engine_.answers.size(), 3u);
    EXPECT_EQ(engine_.answers[0].behavior, session::permission_behavior::deny);
    EXPECT_EQ(engine_.answers[0].message, "Not now.");
    EXPECT_EQ(engine_.answers[1].request_id, "r/2 odd");
    EXPECT_NE(reply_->asked[0].key, reply_->asked[1].key);
    EXPECT_NE(reply_->asked[1].key, reply_->asked[2].key);
}

TEST_F(asking_test, what_is_not_decided_stays_open) {
    for (const char* undecided :
         {R"({"action":"decline"})", R"({"action":"cancel"})", R"({"action":"accept"})", "", "[]", "5",
          R"({"action":"accept","content":{"decision":"maybe"}})",
          R"({"action":["accept"],"content":{"decision":"allow"}})", R"({"action":"accept","content":[]})",
          R"({"action":"accept","content":{"decision":["allow"]}})",
          R"({"action":"decline","content":{"decision":"allow"}})",
          R"({"action":"accept","content":{"decision":"deny","message":7}})"}) {
        answers_with({undecided});
        const auto left = run();
        EXPECT_EQ(left["done"], false) << undecided;
        EXPECT_EQ(left["timedOut"], false);
        EXPECT_EQ(left["pending_permissions"][0]["requestId"], "r1");
        EXPECT_FALSE(left["cursor"].get<std::string>().empty());
        EXPECT_TRUE(engine_.answers.empty());
        reply_ = std::make_shared<collected_reply>();
    }
    const std::string long_message(9000, 'x');
    EXPECT_FALSE(
        decision_in(json{{"action", "accept"}, {"content", {{"decision", "deny"}, {"message", long_message}}}}.dump(),
                    request("r1")));
}

TEST_F(asking_test, nobody_is_asked_who_cannot_answer) {
    const auto unasked = [&](call_of what) {
        answers_with({allow});
        const auto left = run(std::move(what));
        EXPECT_EQ(left["done"], false);
        EXPECT_EQ(left["pending_permissions"].size(), 1u);
        EXPECT_TRUE(reply_->asked.empty() && engine_.answers.empty());
        reply_ = std::make_shared<collected_reply>();
    };
    auto one = wait();
    one.takes_forms = false;
    unasked(one);
    one = wait();
    one.who.scopes = {"sessions:write"};
    unasked(one);
    one = wait();
    one.arguments["timeout_ms"] = 0;
    unasked(one);
    set_policy("remote_permission_response = \"never\"");
    unasked(wait());
    one = wait();
    one.remote = false;
    answers_with({allow});
    EXPECT_EQ(run(one)["done"], true) << "the rule is for those from afar";
    engine_.outcome = session::turn_outcome();
    engine_.outcome.pending = {request("r2", "AskUserQuestion")};
    engine_.answers.clear();
    reply_ = std::make_shared<collected_reply>();
    unasked(one);
}

TEST_F(asking_test, a_question_is_taken_back_when_somebody_else_answers) {
    const auto waiting = begin(wait(), reply_);
    run_until([this] { return reply_->withdraws && engine_.waiting > 0; });
    engine_.outcome = fake_engine::done("answered elsewhere");
    engine_.changed.notify_all();
    const auto done = json::parse(*finish(waiting));
    EXPECT_EQ(done["done"], true);
    EXPECT_EQ(done["text"], "answered elsewhere");
    EXPECT_TRUE(engine_.answers.empty());
}

TEST_F(asking_test, an_answer_that_comes_too_late_does_not_end_the_waiting) {
    reply_->answer = [this] {
        engine_.refusal = proto::error{proto::error_code::invalid_argument, "It is answered already.", "", ""};
        engine_.outcome = fake_engine::done("it went on");
        return told{state::answered, {{"", allow}}};
    };
    EXPECT_EQ(run()["text"], "it went on");

    engine_.outcome = session::turn_outcome();
    engine_.outcome.pending = {request("r1")};
    reply_ = std::make_shared<collected_reply>();
    reply_->answer = [this] {
        engine_.refusal = proto::error{proto::error_code::internal, "No.", "", ""};
        return told{state::answered, {{"", allow}}};
    };
    EXPECT_EQ(run()["done"], false) << "nobody is asked the same twice";
    EXPECT_EQ(reply_->asked.size(), 1u);
}

TEST_F(asking_test, a_caller_who_goes_ends_the_question_and_the_call) {
    const auto waiting = begin(wait(), reply_);
    run_until([this] { return reply_->withdraws && engine_.waiting > 0; });
    reply_->cancel();
    const auto left = json::parse(*finish(waiting));
    EXPECT_EQ(left["done"], false);
    EXPECT_EQ(left["pending_permissions"].size(), 1u);
    EXPECT_EQ(engine_.waiting, 0);
}

TEST_F(asking_test, a_call_that_comes_again_waits_and_sends_nothing) {
    reply_->answer = [] { return told{state::suspended, {}}; };
    EXPECT_TRUE(run().is_null());
    ASSERT_EQ(reply_->states.size(), 1u);
    ASSERT_EQ(engine_.prompts.size(), 1u);
    const auto key = reply_->asked[0].key;
    const auto told = json::parse(reply_->states[0]);
    EXPECT_EQ(told["session"], "s");
    EXPECT_EQ(told["prompt"], engine_.prompts[0].prompt_uuid);
    EXPECT_EQ(told["permission"], "r1");

    auto again = wait();
    again.state = reply_->states[0];
    reply_ = std::make_shared<collected_reply>();
    engine_.outcome.pending = {request("r0"), request("r1")};
    answers_with({allow});
    const auto done = run(again);
    EXPECT_EQ(done["done"], true);
    EXPECT_EQ(done["promptId"], engine_.prompts[0].prompt_uuid);
    EXPECT_FALSE(done.contains("attached"));
    EXPECT_EQ(reply_->asked[0].key, key) << "what it was asked before comes first";
    EXPECT_EQ(engine_.answers.at(0).request_id, "r1");
    EXPECT_EQ(engine_.prompts.size(), 1u);

    for (const char* foreign :
         {"{}", "x", "[]", R"({"session":"t","prompt":"p","via":"live","cursor":1,"permission":"r"})"}) {
        again.state = foreign;
        EXPECT_EQ(code(again), proto::error_code::invalid_argument);
    }
    EXPECT_EQ(engine_.prompts.size(), 1u);
}

TEST_F(asking_test, a_key_holds_over_the_rounds) {
    auto keyed = wait();
    keyed.key = "k1";
    reply_->answer = [] { return told{state::suspended, {}}; };
    EXPECT_TRUE(run(keyed).is_null());
    keyed.state = reply_->states[0];
    reply_ = std::make_shared<collected_reply>();
    answers_with({allow});
    const auto done = run(keyed);
    EXPECT_EQ(done["done"], true);
    reply_ = std::make_shared<collected_reply>();
    EXPECT_EQ(run(keyed), done);
    EXPECT_EQ(engine_.prompts.size(), 1u);
    EXPECT_EQ(engine_.answers.size(), 1u);
}

}  // namespace
}  // namespace agent::tools::test
