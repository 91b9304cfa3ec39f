// What is checked of every call before its handler runs, and what bounds all calls together.
#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

class tool_runner_test : public tools_test {
protected:
    static answer ok(const services&, const call_context& c) {
        co_return dump(json{{"ok", true}, {"remote", c.remote}});
    }
};

TEST_F(tool_runner_test, every_tool_has_a_handler_and_is_listed) {
    for (const auto& tool : proto::tools().all()) EXPECT_TRUE(runner_->has_tool(tool.name)) << tool.name;
    const auto listed = json::parse(runner_->tools(call_of::principal("ada")));
    EXPECT_EQ(listed.size(), proto::tools().all().size());
    EXPECT_FALSE(runner_->instructions().empty());
}

TEST_F(tool_runner_test, a_tool_that_it_does_not_have_needs_a_newer_codez) {
    restart({{"get_health", ok}});
    EXPECT_FALSE(runner_->has_tool("list_machines"));
    EXPECT_EQ(code({"list_machines"}), error_code::unsupported_by_machine);
    EXPECT_EQ(code({"no_such_tool"}), error_code::unsupported_by_machine);
}

TEST_F(tool_runner_test, needs_the_scope_of_the_tool) {
    call_of one{"get_health"};
    one.who.scopes = {"sessions:read"};
    const auto refused = call(one);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, error_code::permission_denied);
    EXPECT_NE(refused.error().message.find("health:read"), std::string::npos);
    one.who.scopes = {"health:read"};
    EXPECT_TRUE(call(one));
    one.who.scopes = {};
    EXPECT_FALSE(call(one));
}

TEST_F(tool_runner_test, sessions_of_sessions_are_refused) {
    call_of one{"get_health"};
    one.depth = proto::limits::call_depth_max - 1;
    EXPECT_TRUE(call(one));
    one.depth = proto::limits::call_depth_max;
    EXPECT_EQ(code(one), error_code::recursion_limit_exceeded);
}

TEST_F(tool_runner_test, names_the_field_that_is_wrong) {
    const auto message = [&](json arguments) {
        call_of one{"send_prompt"};
        one.arguments = std::move(arguments);
        const auto got = call(one);
        EXPECT_FALSE(got);
        EXPECT_EQ(got.error().code, error_code::invalid_argument);
        return got.error().message;
    };
    EXPECT_NE(message({{"session_id", "s"}}).find("text"), std::string::npos);
    EXPECT_NE(message({{"session_id", 7}, {"text", "x"}}).find("session_id"), std::string::npos);
    EXPECT_NE(message({{"session_id", "s"}, {"text", "x"}, {"more", 1}}).find("more"), std::string::npos);
    EXPECT_TRUE(engine_.prompts.empty());
}

TEST_F(tool_runner_test, where_a_call_came_from_is_told_by_its_way_not_by_its_sender) {
    restart({{"get_health", ok}});
    call_of one{"get_health"};
    one.who.workspace_id = "local";  // a hub may say anything
    EXPECT_EQ(value(one)["remote"], true);
    one.remote = false;
    EXPECT_EQ(value(one)["remote"], false);
}

TEST_F(tool_runner_test, the_hubs_own_questions_are_no_tools_and_come_over_the_link_only) {
    engine_.add("known", project());
    leave_transcript("11111111-2222-4333-8444-555555555555", project(), {"hello"});
    leave_transcript("99999999-2222-4333-8444-555555555555", (directory_.path() / "outside").string(), {"secret"});
    const auto has = [&](const json& arguments) { return value({"codez.has_session", arguments})["has"]; };
    EXPECT_EQ(has({{"session_id", "known"}}), true);
    EXPECT_EQ(has({{"session_id", "11111111-2222-4333-8444-555555555555"}}), true);
    EXPECT_EQ(has({{"session_id", "99999999-2222-4333-8444-555555555555"}}), false) << "outside the policy's roots";
    EXPECT_EQ(has({{"session_id", "../../etc/passwd"}}), false);
    for (const json& bad : {json::object(), json{{"session_id", 7}}})
        EXPECT_EQ(code({"codez.has_session", bad}), error_code::invalid_argument);
    EXPECT_EQ(code({"codez.something_new"}), error_code::unsupported_by_machine);
    EXPECT_FALSE(runner_->has_tool("codez.has_session"));
    call_of local{"codez.has_session", {{"session_id", "known"}}};
    local.remote = false;
    EXPECT_EQ(code(local), error_code::unsupported_by_machine);
}

TEST_F(tool_runner_test, a_caller_that_went_away_ends_only_its_own_call) {
    const auto reply = std::make_shared<collected_reply>();
    reply->gone = true;
    const auto got = finish(begin({"get_health"}, reply));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, error_code::cancelled);
    EXPECT_TRUE(call({"get_health"}));
}

// A reader that takes nothing, until it goes away.
class slow_reply final : public common::mcp::call_reply {
public:
    explicit slow_reply(boost::asio::any_io_executor executor) : go(std::move(executor)) {}
    boost::asio::awaitable<bool> write(std::string_view) override {
        while (!gone) co_await go.wait();
        co_return false;
    }
    boost::asio::awaitable<bool> progress(double, std::optional<double>, std::string) override { co_return true; }
    void on_cancel(std::function<void()>) override {}
    common::async::event_signal go;
    bool gone = false;
};

TEST_F(tool_runner_test, long_answers_for_slow_readers_are_bounded_short_ones_always_pass) {
    std::size_t size = 0;
    restart({{"get_health", [&](const services&, const call_context&) -> answer {
                  co_return dump(json{{"ok", true}, {"name", std::string(size, 'x')}});
              }}});
    const auto who = call_of::principal("ada");
    const auto run = [&](slow_reply& reply) -> boost::asio::awaitable<proto::result<void>> {
        common::mcp::tool_call call;
        call.tool = "get_health";
        call.arguments = "{}";
        call.who = &who;
        co_return co_await runner_->call(call, reply);
    };
    size = 50u << 20;
    slow_reply slow(io_.get_executor());
    const auto first = events::test::start(io_, run(slow));
    const auto second = events::test::start(io_, run(slow));
    const auto third = events::test::start(io_, run(slow));
    const auto refused = events::test::finish(io_, third);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, error_code::resource_exhausted);
    EXPECT_FALSE(*first || *second);
    size = 100;
    EXPECT_TRUE(call({"get_health"}));
    slow.gone = true;
    slow.go.notify_all();
    EXPECT_EQ(events::test::finish(io_, first).error().code, error_code::cancelled);
    EXPECT_EQ(events::test::finish(io_, second).error().code, error_code::cancelled);
    size = 50u << 20;
    EXPECT_EQ(events::test::await(io_, run(slow)).error().code, error_code::cancelled) << "there is room again";
}

TEST_F(tool_runner_test, tells_when_the_last_call_is_done) {
    using clock = std::chrono::steady_clock;
    EXPECT_TRUE(await(runner_->idle_by(clock::now())));
    engine_.add("s", project()).session.status = "live";
    engine_.waits_for_cancel = true;
    const auto reply = std::make_shared<collected_reply>();
    const auto waiting = begin({"send_and_wait", {{"session_id", "s"}, {"text", "x"}}}, reply);
    run_until([this] { return engine_.waiting > 0; });
    EXPECT_FALSE(await(runner_->idle_by(clock::now())));
    const auto idle = events::test::start(io_, runner_->idle_by(clock::now() + std::chrono::hours(1)));
    reply->cancel();
    EXPECT_TRUE(events::test::finish(io_, idle));
    EXPECT_TRUE(finish(waiting)) << "waiting ended, the turn goes on";
}

}  // namespace
}  // namespace agent::tools::test
