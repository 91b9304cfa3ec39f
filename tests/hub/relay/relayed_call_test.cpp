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

}  // namespace
}  // namespace hub::relay
