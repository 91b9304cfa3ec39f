// Another claude opens a session of ours: this very process plays it in Claude Code's registry.
#include <fstream>

#include <unistd.h>

#include "agent/claude/registry.hpp"
#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

namespace fs = std::filesystem;
using proto::error_code;
using tests::fake_holder;
using tests::json;

class Conflict : public tests::engine_fixture {
protected:
    void SetUp() override {
        engine_fixture::SetUp();
        fs::create_directories(registry());
    }
    fs::path registry() const { return root_ / ".claude" / "sessions"; }
    fs::path entry() const { return registry() / (std::to_string(::getpid()) + ".json"); }
    void opens(const std::string& session) {
        const json text = {{"pid", ::getpid()},
                           {"sessionId", session},
                           {"kind", "interactive"},
                           {"procStart", *claude::process_start(::getpid())}};
        std::ofstream(registry() / "new") << text.dump();
        fs::rename(registry() / "new", entry());
    }
    std::string status(const std::string& session) { return get(engine_->get(session))->session.status; }
    json step(const std::string& uuid, const char* state) {
        return {{"type", "command_lifecycle"}, {"command_uuid", uuid}, {"state", state}};
    }
};

TEST_F(Conflict, OursEndsWithItsTurnAndBecomesAMirrorUntilTheOtherEnds) {
    const auto session = create();
    const auto sent = send(session, "work");
    ASSERT_TRUE(sent);
    auto& holder = machine_.last();
    holder.say(step(sent->prompt_uuid, "started"));
    opens(session);
    turn_until([&] { return count(session, "session.conflict") == 1; });
    EXPECT_EQ(status(session), "live");
    const auto refused = send(session, "more");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, error_code::session_busy);
    EXPECT_NE(refused.error().message.find("Somebody's terminal (process " + std::to_string(::getpid())),
              std::string::npos);
    EXPECT_FALSE(holder.over);

    opens(session);  // it says something of itself again
    holder.say(
        json{{"type", "result"}, {"subtype", "success"}, {"is_error", false}, {"result", "done"}, {"uuid", "r"}});
    turn_until([&] { return status(session) == "mirror"; });
    EXPECT_TRUE(holder.over);
    EXPECT_EQ(wait(session, sent->prompt_uuid).text, "done");
    EXPECT_EQ(count(session, "session.conflict"), 1u);
    EXPECT_EQ(count(session, "session.error"), 0u);
    EXPECT_EQ(send(session, "more").error().code, error_code::session_busy);
    EXPECT_TRUE(engine_->is_opened_elsewhere(session));

    fs::remove(entry());
    turn_until([&] { return status(session) == "idle"; });
    EXPECT_TRUE(send(session, "more"));
}

TEST_F(Conflict, AnIdleSessionIsAMirrorAlsoAfterARestart) {
    const auto session = create();
    opens(session);
    turn_until([&] { return status(session) == "mirror"; });
    restart();
    EXPECT_EQ(status(session), "mirror");
    close();
    fs::remove(entry());
    open();
    turn_until([&] { return status(session) == "idle"; });
    EXPECT_EQ(json::parse(events(session).back().body)["session"]["status"], "idle");
}

TEST_F(Conflict, AnEntryThatOutlivedItsProcessIsNone) {
    const auto session = create();
    const json dead = {{"pid", ::getpid()}, {"sessionId", session}, {"procStart", "1"}};
    std::ofstream(entry()) << dead.dump();
    const auto other = create();
    opens(other);
    turn_until([&] { return status(other) == "mirror"; });
    EXPECT_EQ(status(session), "live");
}

}  // namespace
}  // namespace agent::session
