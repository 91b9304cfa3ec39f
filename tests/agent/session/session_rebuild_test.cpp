// Holders on the disk that the log does not name as those of live sessions. Running ones of sessions that a lost log does
// not know: tests/integration/log_damaged.test.mjs.
#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

namespace fs = std::filesystem;

class Rebuild : public tests::engine_fixture {
protected:
    // The fake holders have none of their own.
    void make_directory(const std::string& directory) { fs::create_directories(directory); }
};

TEST_F(Rebuild, AHolderThatTheAgentDiedBeforeItCouldLetGoIsLetGoAtTheNextStart) {
    const auto session = create();
    ASSERT_TRUE(get(engine_->dispose(session)));
    make_directory(machine_.spawned.back().directory);
    machine_.last().released = false;
    restart();
    turn_until([&] { return machine_.last().released; });
    EXPECT_EQ(get(engine_->get(session))->session.status, "idle");
    EXPECT_TRUE(send(session, "more"));
}

TEST_F(Rebuild, TheHolderOfALiveSessionIsLeftInPeace) {
    const auto session = create();
    make_directory(machine_.spawned.back().directory);
    restart();
    ASSERT_TRUE(send(session, "more"));
    EXPECT_FALSE(machine_.last().over);
    EXPECT_FALSE(machine_.last().released);
}

TEST_F(Rebuild, WhatADeadHolderOfNoLiveSessionLeftBehindIsRemoved) {
    const auto session = create();
    ASSERT_TRUE(get(engine_->dispose(session)));
    const fs::path directory = machine_.spawned.back().directory;
    make_directory(directory);
    machine_.last().kill();
    const fs::path other = directory.parent_path() / "not-a-session";
    make_directory(other);
    restart();
    EXPECT_FALSE(fs::exists(directory));
    EXPECT_TRUE(fs::exists(other));
}

}  // namespace
}  // namespace agent::session
