// Questions of a call to its client, over the link.
#include "tests/agent/link/connection_fixture.hpp"

namespace agent::link::test {
namespace {

using asked_state = common::mcp::input_outcome::state;

TEST_F(connection_test, questions_reach_the_client_and_its_answers_the_call) {
    establish();
    const auto id = hub_->call("ask", "{}", "w", 30'000, false, {"form"}, "from before");
    until([&] { return !hub_->calls[id].asked.empty(); });
    EXPECT_TRUE(tools_.last_client.elicitation_form);
    EXPECT_EQ(tools_.last_state, "from before");
    EXPECT_EQ(hub_->calls[id].asked[0], (proto::ask_message{{{"k", "form", R"({"message":"May I?"})"}}, "the state"}));
    hub_->answer(id, {proto::ask_outcome::answered, {{"k", R"({"action":"decline"})"}}});
    EXPECT_TRUE(finished(id).whole);
    ASSERT_EQ(tools_.told->what, asked_state::answered);
    EXPECT_EQ(tools_.told->answers.at(0).result, R"({"action":"decline"})");
    for (const auto& [sent, heard] : {std::pair(proto::ask_outcome::unsupported, asked_state::unsupported),
                                      std::pair(proto::ask_outcome::unanswered, asked_state::unanswered)}) {
        const auto next = hub_->call("ask", "{}", "w", 30'000, false, {"form"});
        until([&] { return !hub_->calls[next].asked.empty(); });
        hub_->answer(next, {sent, {}});
        EXPECT_TRUE(finished(next).whole);
        EXPECT_EQ(tools_.told->what, heard);
    }
}

TEST_F(connection_test, only_clients_that_can_be_asked_are_and_only_by_forms) {
    establish();
    EXPECT_TRUE(finished(hub_->call("ask", "{}")).whole);
    EXPECT_EQ(tools_.told->what, asked_state::unsupported);
    EXPECT_FALSE(tools_.last_client.elicitation_form);
    tools_.kind = common::mcp::input_kind::sampling;
    const auto id = hub_->call("ask", "{}", "w", 30'000, false, {"form"});
    EXPECT_TRUE(finished(id).whole);
    EXPECT_EQ(tools_.told->what, asked_state::unsupported);
    EXPECT_TRUE(hub_->calls[id].asked.empty());
}

TEST_F(connection_test, a_call_that_comes_again_ends_without_a_result) {
    establish();
    const auto id = hub_->call("ask", "{}", "w", 30'000, false, {"form"});
    until([&] { return !hub_->calls[id].asked.empty(); });
    hub_->answer(id, {proto::ask_outcome::suspended, {}});
    until([&] { return tools_.told && !tools_.asking; });
    settle();
    EXPECT_EQ(tools_.told->what, asked_state::suspended);
    EXPECT_FALSE(hub_->calls[id].whole || hub_->calls[id].error);
    EXPECT_TRUE(finished(hub_->call("quick", "{}")).whole) << "and the link lives on";
}

TEST_F(connection_test, a_question_is_taken_back_by_its_call_its_caller_and_a_draining_hub) {
    establish();
    const auto begin_asking = [&] {
        tools_.told.reset();
        const auto id = hub_->call("ask", "{}", "w", 30'000, false, {"form"});
        until([&] { return !hub_->calls[id].asked.empty(); });
        return id;
    };
    auto id = begin_asking();
    tools_.asking->withdraw();
    EXPECT_TRUE(finished(id).whole);
    EXPECT_EQ(tools_.told->what, asked_state::withdrawn);
    EXPECT_EQ(hub_->calls[id].withdrawn, 1);

    begin_asking();
    hub_->cancel(hub_->calls.rbegin()->first);
    until([&] { return tools_.told.has_value(); });
    EXPECT_EQ(tools_.told->what, asked_state::unanswered);

    tools_.with_listener = true;
    id = begin_asking();
    hub_->drain();
    EXPECT_TRUE(finished(id).whole) << "it tells how far it is";
    EXPECT_EQ(tools_.told->what, asked_state::unanswered);
    EXPECT_EQ(tools_.cancellations, 1);
    EXPECT_EQ(hub_->calls[id].withdrawn, 1);
}

TEST_F(connection_test, a_question_ends_with_its_link) {
    establish();
    const auto id = hub_->call("ask", "{}", "w", 30'000, false, {"form"});
    until([&] { return !hub_->calls[id].asked.empty(); });
    link_->close(proto::close_code::going_away, "test");
    until([&] { return tools_.told.has_value(); });
    EXPECT_EQ(tools_.told->what, asked_state::unanswered);
}

}  // namespace
}  // namespace agent::link::test
