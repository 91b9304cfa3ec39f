// What get_session tells of a live session, so that one that is stuck can be told from one that is slow.
#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

using tests::fake_holder;
using tests::json;

class Activity : public tests::engine_fixture {
protected:
    activity now(const std::string& session) {
        const auto got = get(engine_->get(session));
        EXPECT_TRUE(got && got->now);
        return got && got->now ? *got->now : activity();
    }
    void until_it_waits_for(const std::string& session, const std::string& what) {
        turn_until([&] { return now(session).waits_for == what; });
    }
    static json retry(int attempt) {
        return {{"type", "system"},      {"subtype", "api_retry"}, {"attempt", attempt},   {"max_retries", 10},
                {"retry_delay_ms", 515}, {"error_status", 529},    {"error", "overloaded"}};
    }
    static json says(const json& block) {
        return {{"type", "assistant"},
                {"message", {{"id", "m1"}, {"role", "assistant"}, {"content", json::array({block})}}}};
    }
};

TEST_F(Activity, SaysWhatASessionWaitsFor) {
    const auto session = create();
    EXPECT_EQ(now(session).waits_for, "nothing");
    EXPECT_EQ(now(session).holder, "attached");
    EXPECT_GT(now(session).last_output_at_ms, 0);
    const auto sent = send(session, "work");
    ASSERT_TRUE(sent);
    EXPECT_EQ(now(session).waits_for, "model");

    auto& holder = machine_.last();
    holder.say(retry(1));
    until_it_waits_for(session, "retry");
    EXPECT_EQ(json::parse(now(session).retry)["status"], 529);
    EXPECT_EQ(count(session, "session.retrying"), 1u);
    EXPECT_TRUE(engine_->health().troubles.empty());
    holder.say(retry(3));
    turn_until([&] { return !engine_->health().troubles.empty(); });
    EXPECT_NE(engine_->health().troubles.at(0).find("overloaded"), std::string::npos);

    holder.say(says({{"type", "tool_use"}, {"id", "u1"}, {"name", "Bash"}, {"input", {{"command", "make"}}}}));
    until_it_waits_for(session, "tool");
    EXPECT_EQ(now(session).tools, std::vector<std::string>{"Bash"});
    EXPECT_TRUE(now(session).retry.empty());
    EXPECT_TRUE(engine_->health().troubles.empty());
    json request = {{"subtype", "can_use_tool"}, {"tool_name", "Bash"}, {"input", {{"command", "make"}}}};
    holder.say(json{{"type", "control_request"}, {"request_id", "p1"}, {"request", request}});
    until_it_waits_for(session, "permission");
}

TEST_F(Activity, AnIdleSessionHasNone) {
    const auto session = create();
    ASSERT_TRUE(get(engine_->dispose(session)));
    EXPECT_FALSE(get(engine_->get(session))->now);
}

}  // namespace
}  // namespace agent::session
