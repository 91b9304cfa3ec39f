#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

class machine_tools_test : public tools_test {};

TEST_F(machine_tools_test, the_machine_tells_about_itself) {
    engine_.add("live", project()).session.status = "live";
    engine_.add("idle", project());
    const auto listed = value({"list_machines"});
    ASSERT_EQ(listed["machines"].size(), 1u);
    EXPECT_EQ(listed["machines"][0]["machineId"], "m_1");
    for (const char* name : {"m_1", "laptop"}) {
        const auto one = value({"get_machine", {{"machine", name}}})["machine"];
        EXPECT_EQ(one["name"], "laptop");
        EXPECT_EQ(one["tools"].size(), proto::tools().all().size());
        ASSERT_EQ(one["sessions"].size(), 1u);
        EXPECT_EQ(one["sessions"][0]["id"], "live");
    }
    machine_.name = "renamed";
    EXPECT_EQ(value({"get_machine"})["machine"]["name"], "renamed");
}

TEST_F(machine_tools_test, at_the_local_endpoint_nothing_is_done_for_another_machine) {
    engine_.add("s", project()).session.status = "live";
    for (const char* tool : {"get_machine", "list_sessions", "get_health", "get_state"}) {
        EXPECT_EQ(code({.tool = tool, .arguments = {{"machine", "another"}}, .remote = false}), error_code::not_found);
        for (const char* name : {"m_1", "laptop"})
            value({.tool = tool, .arguments = {{"machine", name}}, .remote = false});
    }
    EXPECT_EQ(
        code({.tool = "dispose_session", .arguments = {{"session_id", "s"}, {"machine", "another"}}, .remote = false}),
        error_code::not_found);
    // Over the link the hub has chosen, by names that are its own.
    value({"list_sessions", {{"machine", "another"}}});
}

TEST_F(machine_tools_test, health_is_well_without_troubles) {
    const auto health = value({"get_health"});
    EXPECT_EQ(health["ok"], true);
    EXPECT_EQ(health["machines"][0]["claudeVersion"], "9.9.9");
    EXPECT_EQ(health["machines"][0]["liveSessionsMax"], 8);
}

TEST_F(machine_tools_test, projects_are_those_that_the_policy_opens) {
    leave_transcript("11111111-2222-4333-8444-555555555555", project(), {"hello"});
    leave_transcript("22222222-2222-4333-8444-555555555555", (directory_.path() / "outside").string(), {"secret"});
    std::filesystem::create_directories(work() / "fresh");
    engine_.add("s", (work() / "fresh").string()).session.slug = "-fresh";
    engine_.add("closed", (directory_.path() / "outside").string()).session.slug = "-closed";
    const auto projects = value({"list_projects"})["projects"];
    ASSERT_EQ(projects.size(), 2u) << projects.dump(2);
    EXPECT_EQ(projects[0]["path"], project());
    EXPECT_EQ(projects[0]["sessionCount"], 1);
    EXPECT_EQ(projects[1]["slug"], "-fresh");
    EXPECT_EQ(projects[1]["machineName"], "laptop");
}

}  // namespace
}  // namespace agent::tools::test
