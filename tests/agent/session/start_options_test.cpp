// The options of a session: claude gets them at every start, and after every restart of the agent.
#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

using tests::fake_holder;
using tests::json;

class StartOptions : public tests::engine_fixture {
protected:
    std::string create_with(const json& options) {
        create_request request;
        request.cwd = (root_ / "project").string();
        request.options.values = options.dump();
        const auto made = get(engine_->create(request, who()));
        EXPECT_TRUE(made) << (made ? "" : made.error().message);
        return made ? made->session_id : "";
    }
    bool started_with(const std::string& argument) {
        const auto& argv = machine_.spawned.back().argv;
        return std::ranges::find(argv, argument) != argv.end();
    }
    json last_initialize() {
        json out;
        for (const auto& line : machine_.last().written)
            if (json each = json::parse(line);
                each["type"] == "control_request" && each["request"]["subtype"] == "initialize")
                out = each["request"];
        return out;
    }
};

TEST_F(StartOptions, AreUsedAgainWhenItIsResumed) {
    const auto session = create_with({{"effort", "low"}, {"append_system_prompt", "More."}});
    EXPECT_TRUE(started_with("--effort=low"));
    EXPECT_EQ(last_initialize()["appendSystemPrompt"], "More.");
    ASSERT_TRUE(get(engine_->dispose(session)));
    restart();
    ASSERT_TRUE(send(session, "go on"));
    ASSERT_EQ(machine_.spawned.size(), 2u);
    EXPECT_TRUE(started_with("--effort=low"));
    EXPECT_EQ(last_initialize()["appendSystemPrompt"], "More.");
}

TEST_F(StartOptions, AreToldToAClaudeThatLivesOnToo) {
    create_with({{"system_prompt", "S."}});
    restart();
    turn_until([&] { return machine_.last().written.size() >= 2; });
    EXPECT_EQ(last_initialize()["systemPrompt"], json::array({"S."}));
    EXPECT_EQ(machine_.spawned.size(), 1u);
}

TEST_F(StartOptions, ASessionWithoutTranscriptEndsWithItsProcess) {
    const auto session = create_with({{"persist_session", false}});
    EXPECT_TRUE(started_with("--no-session-persistence"));
    EXPECT_TRUE(send(session, "while it lives"));
    ASSERT_TRUE(get(engine_->dispose(session)));
    const auto refused = send(session, "afterwards");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, proto::error_code::not_found);
    EXPECT_NE(refused.error().message.find("persist_session"), std::string::npos);
    EXPECT_EQ(machine_.spawned.size(), 1u);
}

TEST_F(StartOptions, ThatAreWrongStartNothing) {
    create_request request;
    request.cwd = (root_ / "project").string();
    for (const char* bad : {"", "[]", R"({"disallowed_tools":["a\nb"]})"}) {
        request.options.values = bad;
        const auto refused = get(engine_->create(request, who()));
        ASSERT_FALSE(refused) << bad;
        EXPECT_EQ(refused.error().code, proto::error_code::invalid_argument);
    }
    EXPECT_TRUE(machine_.spawned.empty());
}

}  // namespace
}  // namespace agent::session
