#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

class health_tools_test : public tools_test {
protected:
    json part(const std::string& name) {
        for (const auto& p : value({"get_health_details"})["subsystems"])
            if (p["name"] == name) return p;
        return json();
    }
};

TEST_F(health_tools_test, every_part_is_told_with_its_machine) {
    engine_.add("12345678-aaaa", project()).session.status = "live";
    engine_.add("87654321-bbbb", project());
    for (const char* name : {"link", "log", "claude", "sessions", "policy", "disk", "session:12345678"}) {
        const auto told = part(name);
        ASSERT_TRUE(told.is_object()) << name;
        EXPECT_EQ(told["healthy"], true) << told;
        EXPECT_FALSE(told["details"].get<std::string>().empty());
        EXPECT_EQ(told["machineName"], "laptop");
    }
    EXPECT_TRUE(part("session:87654321").is_null()) << "only live ones";
}

TEST_F(health_tools_test, what_is_not_well_says_why) {
    link_ = {false, "The hub cannot be reached."};
    EXPECT_EQ(part("link")["healthy"], false);
    EXPECT_EQ(part("link")["details"], "The hub cannot be reached.");

    auto& session = engine_.add("12345678-aaaa", project()).session;
    session.status = "live";
    session.state = "interrupted";
    EXPECT_EQ(part("session:12345678")["healthy"], false);
    session.state = "running";
    engine_.troubles = {{"12345678-aaaa", "Its holder does not answer."}};
    EXPECT_EQ(part("session:12345678")["details"], "Its holder does not answer.");
    EXPECT_EQ(part("sessions")["healthy"], false);

    std::ofstream(directory_.path() / "agent.toml") << "roots = []\n";
    rules_ = policy::load(directory_.path() / "agent.toml", directory_.path() / "none.toml").value();
    EXPECT_EQ(part("policy")["healthy"], false);
}

TEST_F(health_tools_test, what_was_mended_is_told_newest_first) {
    EXPECT_EQ(value({"get_health_details"})["log"], json::array());
    repairs_->note("link.restored", "It is up again.");
    repairs_->note("session.reattached", "It goes on.");
    const auto log = value({"get_health_details"})["log"];
    ASSERT_EQ(log.size(), 2u);
    EXPECT_EQ(log[0]["action"], "session.reattached");
    EXPECT_EQ(log[1]["details"], "It is up again.");
    EXPECT_GT(log[1]["timestamp"], 0);
    EXPECT_EQ(log[1]["machine"], "m_1");
}

}  // namespace
}  // namespace agent::tools::test
