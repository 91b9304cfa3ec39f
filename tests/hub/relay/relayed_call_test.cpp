// A call carried to one machine and its result back.
#include "hub/relay/relayed_call.hpp"

#include "proto/limits.hpp"
#include "tests/hub/relay/relay_fixture.hpp"

namespace hub::relay {
namespace {

using nlohmann::json;
using proto::error_code;

class relayed_calls : public tests::relay_fixture {
protected:
    void SetUp() override { box_ = add("box"); }

    // A call that its machine has got.
    std::shared_ptr<tests::asked_call> reach(const std::string& tool, const json& arguments) {
        const auto before = machine().calls.size();
        const auto call = begin(tool, arguments);
        until([&] { return machine().calls.size() == before + 1 || call->outcome; });
        EXPECT_FALSE(call->outcome) << (call->outcome && !*call->outcome ? call->error().message : "");
        return call;
    }
    std::shared_ptr<tests::asked_call> read() {
        sessions_.note(workspace_, box_.id(), "s_1");
        return reach("get_session", {{"session_id", "s_1"}});
    }
    std::shared_ptr<tests::asked_call> write() {
        sessions_.note(workspace_, box_.id(), "s_1");
        return reach("send_prompt", {{"session_id", "s_1"}, {"text", "hello"}});
    }
    // A call that its machine has got, and may ask the client of.
    std::shared_ptr<tests::asked_call> asking_call(std::optional<common::mcp::input_outcome> answer) {
        sessions_.note(workspace_, box_.id(), "s_1");
        auto call = std::make_shared<tests::asked_call>();
        call->tool = "send_and_wait";
        call->arguments = R"({"session_id":"s_1","text":"hello"})";
        call->who = who();
        call->takes_forms = true;
        call->reply.answer = std::move(answer);
        const auto before = machine().calls.size();
        begin(call);
        until([&] { return machine().calls.size() == before + 1; });
        return call;
    }
    void ask_client() {
        EXPECT_TRUE(machine().link.ask(last_id(), {{{"k", "form", R"({"message":"May I?"})"}}, "the state"}));
        machine().act();
    }
    tests::fake_machine& machine() { return *box_.machine; }
    std::uint64_t last_id() { return machine().calls.back().id; }

    // One relay with a deadline of its own.
    std::optional<proto::result<void>> relay(const std::string& tool, std::chrono::milliseconds deadline,
                                             tests::fake_reply& reply) {
        const auto caller = who();
        common::mcp::tool_call call;
        call.tool = tool;
        call.arguments = "{}";
        call.who = &caller;
        call.request_id = "req_1";
        relay_request request;
        request.call = &call;
        request.tool = proto::tools().find(tool);
        request.deadline = deadline;
        return run(relay_call(links_.find(box_.id()), request, reply));
    }

    box box_;
};

TEST_F(relayed_calls, bytes_go_through_as_they_are) {
    const auto call = read();
    EXPECT_EQ(machine().calls.back().arguments, R"({"session_id":"s_1"})");
    EXPECT_EQ(machine().calls.back().header.who, who());
    EXPECT_EQ(machine().calls.back().header.request_id, "req_1");
    EXPECT_GT(machine().calls.back().header.deadline_ms, 0);
    const std::string odd = "{ \"content\" :[],\n \"x\":1e400, \"y\":\"\\u00e9\" }";
    machine().result(last_id(), odd);
    finish(call);
    ASSERT_TRUE(*call->outcome);
    EXPECT_EQ(call->reply.text, odd);
}

TEST_F(relayed_calls, progress_goes_through) {
    const auto call = write();
    machine().link.progress(last_id(), {1, 10, "begun"});
    machine().act();
    until([&] { return call->reply.steps.size() == 1; });
    machine().result(last_id(), "{}");
    finish(call);
}

TEST_F(relayed_calls, a_link_lost_under_a_read_may_be_asked_again_and_under_a_write_nobody_knows) {
    const auto reading = read();
    const auto writing = write();
    machine().channel->cut();
    finish(reading);
    finish(writing);
    EXPECT_EQ(reading->error().code, error_code::machine_offline);
    EXPECT_TRUE(proto::is_retryable(reading->error().code));
    EXPECT_EQ(writing->error().code, error_code::unknown_outcome);
    EXPECT_NE(writing->error().hint.find("idempotency_key"), std::string::npos);
}

TEST_F(relayed_calls, half_a_result_is_an_error) {
    const auto call = read();
    machine().link.reply_chunk(last_id(), R"({"half":)");
    machine().act();
    until([&] { return !call->reply.text.empty(); });
    machine().channel->cut();
    finish(call);
    EXPECT_FALSE(*call->outcome);
}

TEST_F(relayed_calls, a_machine_that_is_late_is_given_up) {
    tests::fake_reply reply;
    const auto reading = relay("get_session", std::chrono::milliseconds(50), reply);
    EXPECT_EQ(reading->error().code, error_code::timeout);
    EXPECT_EQ(reading->error().hint, "Ask again.");
    const auto writing = relay("send_prompt", std::chrono::milliseconds(50), reply);
    EXPECT_EQ(writing->error().code, error_code::timeout);
    EXPECT_NE(writing->error().hint.find("idempotency_key"), std::string::npos);
    until([&] { return machine().cancelled.size() == 2; });
}

TEST_F(relayed_calls, a_caller_that_leaves_ends_the_wait_and_not_the_link) {
    const auto call = read();
    call->reply.cancel();
    finish(call);
    EXPECT_EQ(call->error().code, error_code::cancelled);
    until([&] { return machine().cancelled.size() == 1; });
    EXPECT_EQ(machine().closed, 0);
    const auto gone = read();
    gone->reply.gone = true;  // noticed by writing only
    machine().link.reply_chunk(last_id(), R"({"half":)");
    machine().act();
    finish(gone);
    EXPECT_FALSE(*gone->outcome);
    until([&] { return machine().cancelled.size() == 2; });
}

TEST_F(relayed_calls, a_poll_is_answered_by_a_hub_that_stops) {
    sessions_.note(workspace_, box_.id(), "s_1");
    const auto with = reach("poll_events", {{"session_id", "s_1"}, {"cursor", "abc"}, {"timeout_ms", 30'000}});
    const auto without = reach("poll_events", {{"session_id", "s_1"}, {"timeout_ms", 30'000}});
    links_.find(box_.id())->drain();
    finish(with);
    finish(without);
    ASSERT_TRUE(*with->outcome);
    EXPECT_EQ(with->value(), (json{{"events", json::array()}, {"next_cursor", "abc"}, {"has_more", false}}));
    EXPECT_EQ(without->error().code, error_code::route_unavailable) << "there is no cursor to go on from";
}

using outcome = common::mcp::input_outcome;
using state = outcome::state;

TEST_F(relayed_calls, a_question_goes_to_the_client_and_its_answer_back) {
    const auto call = asking_call(outcome{state::answered, {{"k", R"({"action":"accept"})"}}});
    EXPECT_EQ(machine().calls.back().header.abilities, std::vector<std::string>{"form"});
    ask_client();
    until([&] { return machine().answers.size() == 1; });
    EXPECT_EQ(machine().answers[0],
              (proto::answers_message{proto::ask_outcome::answered, {{"k", R"({"action":"accept"})"}}}));
    ASSERT_EQ(call->reply.asked.size(), 1u);
    EXPECT_EQ(call->reply.asked[0].at(0).key, "k");
    EXPECT_EQ(call->reply.asked[0].at(0).kind, common::mcp::input_kind::elicitation);
    EXPECT_EQ(call->reply.asked[0].at(0).params, R"({"message":"May I?"})");
    EXPECT_EQ(call->reply.states[0], "the state");
    ask_client();
    until([&] { return machine().answers.size() == 2; });
    machine().result(last_id(), "{}");
    finish(call);
    EXPECT_EQ(call->reply.text, "{}");
}

TEST_F(relayed_calls, a_client_that_cannot_be_asked_is_not) {
    const auto call = write();
    EXPECT_TRUE(machine().calls.back().header.abilities.empty());
    EXPECT_FALSE(machine().link.ask(last_id(), {{{"k", "form", "{}"}}, ""}));
    const auto mute = asking_call(outcome{state::unsupported, {}});
    ask_client();
    until([&] { return machine().answers.size() == 1; });
    EXPECT_EQ(machine().answers[0].outcome, proto::ask_outcome::unsupported);
    for (const auto& received : machine().calls) machine().result(received.id, "{}");
    finish(call);
    finish(mute);
}

TEST_F(relayed_calls, a_call_that_comes_again_ends_without_a_result_and_brings_its_state) {
    const auto call = asking_call(outcome{state::suspended, {}});
    ask_client();
    finish(call);
    EXPECT_TRUE(*call->outcome);
    EXPECT_EQ(call->reply.text, "");
    until([&] { return machine().answers.size() == 1; });
    EXPECT_EQ(machine().answers[0].outcome, proto::ask_outcome::suspended);
    EXPECT_FALSE(machine().link.is_open(last_id()));

    auto again = std::make_shared<tests::asked_call>();
    again->tool = "send_and_wait";
    again->arguments = R"({"session_id":"s_1","text":"hello"})";
    again->who = who();
    again->state = "the state";
    begin(again);
    until([&] { return machine().calls.size() == 2; });
    EXPECT_EQ(machine().calls.back().header.state, "the state");
    machine().result(last_id(), "{}");
    finish(again);
}

TEST_F(relayed_calls, a_question_that_the_machine_takes_back_is_taken_back_from_the_client) {
    const auto call = asking_call(std::nullopt);
    ask_client();
    until([&] { return call->reply.asked.size() == 1; });
    machine().link.withdraw(last_id());
    machine().result(last_id(), "{}");
    finish(call);
    EXPECT_TRUE(*call->outcome);
    EXPECT_EQ(call->reply.text, "{}");
    EXPECT_TRUE(machine().answers.empty());
}

TEST_F(relayed_calls, a_question_ends_with_its_call_its_link_and_its_client) {
    const auto failed = asking_call(std::nullopt);
    ask_client();
    until([&] { return failed->reply.asked.size() == 1; });
    machine().fail(last_id(), {error_code::session_busy, "Not now.", "", ""});
    finish(failed);
    EXPECT_EQ(failed->error().code, error_code::session_busy);

    const auto left = asking_call(std::nullopt);
    ask_client();
    until([&] { return left->reply.asked.size() == 1; });
    left->reply.cancel();
    finish(left);
    EXPECT_EQ(left->error().code, error_code::cancelled);
    until([&] { return machine().cancelled.size() == 1; });

    const auto lost = asking_call(std::nullopt);
    ask_client();
    until([&] { return lost->reply.asked.size() == 1; });
    machine().channel->cut();
    finish(lost);
    EXPECT_EQ(lost->error().code, error_code::unknown_outcome);
}

TEST_F(relayed_calls, a_question_taken_back_before_the_client_was_asked_is_forgotten) {
    const auto call = asking_call(std::nullopt);
    EXPECT_TRUE(machine().link.ask(last_id(), {{{"k", "form", "{}"}}, ""}));
    machine().link.withdraw(last_id());
    machine().result(last_id(), "{}");
    finish(call);
    EXPECT_EQ(call->reply.text, "{}");
    EXPECT_TRUE(call->reply.asked.empty());
}

}  // namespace
}  // namespace hub::relay
