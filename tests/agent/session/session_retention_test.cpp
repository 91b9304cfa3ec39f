// Sessions that nobody used for longer than they are kept.
#include "agent/events/session_rows.hpp"
#include "tests/agent/session/engine_fixture.hpp"

namespace agent::session {
namespace {

namespace fs = std::filesystem;

class Retention : public tests::engine_fixture {
protected:
    std::string made_long_ago() {
        const auto session = create();
        EXPECT_TRUE(get(engine_->dispose(session)));
        const auto stored = get(log_->run([session](common::db::connection& c) {
            auto row = events::find_session(c, session);
            row->updated_at -= std::chrono::milliseconds(std::chrono::days(8)).count();
            events::save_session(c, *row);
        }));
        EXPECT_TRUE(stored);
        return session;
    }
    bool known(const std::string& session) { return get(engine_->get(session)).has_value(); }
};

TEST_F(Retention, AreForgottenWithTheirSettingsAndNoOthers) {
    const auto old = made_long_ago();
    const auto used = create();
    fs::create_directories(root_ / "state" / "settings");
    const fs::path settings = root_ / "state" / "settings" / (old + ".json");
    std::ofstream(settings) << "{}";
    keep_ = std::chrono::days(7);
    restart();
    turn_until([&] { return !fs::exists(settings); });
    EXPECT_FALSE(known(old));
    EXPECT_TRUE(events(old).empty());
    EXPECT_TRUE(known(used));
}

TEST_F(Retention, AreKeptForEverWithoutALimit) {
    const auto old = made_long_ago();
    create();
    restart();
    EXPECT_TRUE(send(old, "still here"));
}

}  // namespace
}  // namespace agent::session
