#include <cstdlib>

#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

class diff_tools_test : public tools_test {
protected:
    diff_tools_test() {
        sh("git init -q -b main . && git config user.name ada && git config user.email a@b && echo one > kept && git add -A && git commit -q -m first");
    }
    void sh(const std::string& command) {
        const std::string line =
            "cd '" + project() + "' && export HOME=/nonexistent GIT_CONFIG_GLOBAL=/dev/null && " + command;
        ASSERT_EQ(std::system(line.c_str()), 0) << command;
    }
    json diff(json arguments) { return value({"session_diff", std::move(arguments)}); }
};

TEST_F(diff_tools_test, each_parameter_by_its_effect) {
    const auto id = value({"create_session", {{"cwd", project()}}})["sessionId"];
    sh("echo two >> kept && mkdir sub && echo new > sub/new && head -c 5000 /dev/zero | tr '\\0' 'x' | fold -w 70 > long");
    const auto whole = diff({{"session_id", id}});
    EXPECT_EQ(whole["base"]["since"], "session");
    EXPECT_EQ(whole["root"], project());
    EXPECT_EQ(whole["head"], whole["base"]["head"]);
    ASSERT_EQ(whole["files"].size(), 3u) << whole.dump(2);
    EXPECT_EQ(whole["files"][0], (json{{"path", "kept"}, {"status", "modified"}, {"additions", 1}, {"deletions", 0}}));
    EXPECT_EQ(whole["files"][2]["status"], "added");
    EXPECT_EQ(whole["truncated"], false);
    EXPECT_NE(whole["patch"].get<std::string>().find("+two"), std::string::npos);

    EXPECT_FALSE(diff({{"session_id", id}, {"patch", false}}).contains("patch"));
    EXPECT_EQ(diff({{"session_id", id}, {"path", "sub"}})["files"].size(), 1u);
    const auto cut = diff({{"session_id", id}, {"max_bytes", 1024}});
    EXPECT_EQ(cut["truncated"], true);
    EXPECT_LE(cut["patch"].get<std::string>().size(), 1024u);
    EXPECT_EQ(diff({{"session_id", id}, {"machine", "laptop"}})["files"].size(), 3u);
}

TEST_F(diff_tools_test, errors) {
    engine_.add("s", project());
    engine_.add("plain", work().string());
    engine_.add("closed", (directory_.path() / "outside").string());
    struct {
        json arguments;
        error_code code;
    } const table[] = {
        {json::object(), error_code::invalid_argument},
        {{{"session_id", "nobody"}}, error_code::not_found},
        {{{"session_id", "plain"}}, error_code::invalid_argument},
        {{{"session_id", "closed"}}, error_code::policy_denied},
        {{{"session_id", "s"}, {"path", "../x"}}, error_code::invalid_argument},
        {{{"session_id", "s"}, {"path", "/etc"}}, error_code::invalid_argument},
        {{{"session_id", "s"}, {"max_bytes", 1023}}, error_code::invalid_argument},
        {{{"session_id", "s"}, {"patch", "no"}}, error_code::invalid_argument},
    };
    for (const auto& row : table) EXPECT_EQ(code({"session_diff", row.arguments}), row.code) << row.arguments;
}

TEST_F(diff_tools_test, without_a_recorded_base_it_says_so) {
    engine_.add("s", project());
    sh("echo two >> kept");
    const auto told = diff({{"session_id", "s"}});
    EXPECT_EQ(told["base"]["since"], "head");
    EXPECT_FALSE(told["base"]["note"].get<std::string>().empty());
    EXPECT_EQ(told["files"].size(), 1u);
}

TEST_F(diff_tools_test, one_that_claude_left_is_compared_with_its_adoption) {
    const std::string id = "11111111-2222-4333-8444-555555555555";
    leave_transcript(id, project(), {"hello"});
    sh("echo before > before");
    EXPECT_EQ(diff({{"session_id", id}})["base"]["since"], "head");
    value({"send_prompt", {{"session_id", id}, {"text", "go"}}});
    sh("echo after > after");
    const auto told = diff({{"session_id", id}});
    EXPECT_EQ(told["base"]["since"], "session");
    ASSERT_EQ(told["files"].size(), 1u);
    EXPECT_EQ(told["files"][0]["path"], "after");
}

}  // namespace
}  // namespace agent::tools::test
