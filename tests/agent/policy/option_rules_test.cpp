// The options of a session: what calls over the link may use, and which paths anybody may.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "agent/policy/policy.hpp"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using proto::error_code;

class option_rules_test : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "codez-options-XXXXXX").string();
        dir_ = fs::canonical(::mkdtemp(pattern.data()));
        fs::create_directories(dir_ / "root/data/.ssh");
        fs::create_directories(dir_ / "outside");
    }
    void TearDown() override { fs::remove_all(dir_); }

    std::expected<agent::policy, std::string> load(const std::string& more) {
        std::ofstream(dir_ / "agent.toml") << "roots = [\"" << (dir_ / "root").string() << "\"]\n" << more;
        return agent::policy::load(dir_ / "agent.toml", dir_ / "system.toml");
    }
    std::string at(const char* path) const { return (dir_ / path).string(); }
    // Each ruled option with a value that nothing else forbids.
    json values() const {
        return {{"additional_directories", {at("root/data")}},
                {"agent", "reviewer"},
                {"agents", {{"reviewer", {{"description", "d"}, {"prompt", "p"}}}}},
                {"allowed_tools", {"Bash"}},
                {"debug_file", at("root/debug.log")},
                {"mcp_servers", {{"m", {{"command", "/bin/true"}}}}},
                {"plugins", {at("root/data")}},
                {"sandbox", {{"enabled", false}}},
                {"setting_sources", json::array()},
                {"settings", {{"hooks", json::object()}}}};
    }

    fs::path dir_;
};

TEST_F(option_rules_test, each_is_closed_to_calls_from_afar_until_the_file_names_it) {
    const auto closed = load("").value();
    const json all = values();
    ASSERT_EQ(all.size(), agent::option_rules::ruled.size());
    for (const auto& [name, value] : all.items()) {
        const json one{{name, value}};
        const auto refused = closed.check_session_options(one, true);
        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().code, error_code::policy_denied) << name;
        EXPECT_NE(refused.error().message.find("`" + name + "`"), std::string::npos) << refused.error().message;
        EXPECT_NE(refused.error().message.find("rule `session_options`"), std::string::npos);
        EXPECT_NE(refused.error().message.find(at("agent.toml")), std::string::npos);
        EXPECT_EQ(json::parse(refused.error().details)["rule"], "session_options");
        EXPECT_EQ(closed.check_session_options(one, false).value_or(json()), one) << name << " at the machine itself";
        const auto open = load("session_options = [\"" + name + "\"]").value();
        EXPECT_EQ(open.check_session_options(one, true).value_or(json()), one) << name;
        for (const auto& [other, other_value] : all.items())
            if (other != name) EXPECT_FALSE(open.check_session_options({{other, other_value}}, true)) << other;
    }
}

TEST_F(option_rules_test, variables_and_programs_are_named_one_by_one) {
    const auto p = load("session_env = [\"LANG\", \"TZ\"]\nsession_executables = [\"/opt/claude\"]").value();
    EXPECT_TRUE(p.check_session_options({{"env", {{"LANG", "C"}, {"TZ", "UTC"}}}}, true));
    EXPECT_TRUE(p.check_session_options({{"executable", "/opt/claude"}}, true));
    for (const json& bad : {json{{"env", {{"LANG", "C"}, {"LD_PRELOAD", "/x"}}}}, json{{"env", {{"lang", "C"}}}}}) {
        const auto refused = p.check_session_options(bad, true);
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().message.find("rule `session_env`"), std::string::npos);
        EXPECT_TRUE(p.check_session_options(bad, false));
    }
    for (const char* path : {"/opt/claude2", "/opt/../opt/claude", "/bin/sh"}) {
        const auto refused = p.check_session_options({{"executable", path}}, true);
        ASSERT_FALSE(refused) << path;
        EXPECT_NE(refused.error().message.find("rule `session_executables`"), std::string::npos);
    }
}

TEST_F(option_rules_test, paths_lie_under_a_root_whoever_asks) {
    const auto p = load("session_options = [\"additional_directories\", \"plugins\", \"debug_file\"]").value();
    fs::create_directory_symlink(dir_ / "outside", dir_ / "root/link");
    for (const bool from_afar : {true, false}) {
        for (const char* name : {"additional_directories", "plugins"}) {
            for (const char* path : {"outside", "root/link", "root/../outside"}) {
                const auto refused = p.check_session_options({{name, {at("root"), at(path)}}}, from_afar);
                ASSERT_FALSE(refused) << name << " " << path;
                EXPECT_NE(refused.error().message.find("`" + std::string(name) + "`"), std::string::npos)
                    << refused.error().message;
                EXPECT_NE(refused.error().message.find("rule `roots`"), std::string::npos);
            }
            const auto denied = p.check_session_options({{name, {at("root/data/.ssh")}}}, from_afar);
            ASSERT_FALSE(denied);
            EXPECT_NE(denied.error().message.find("rule `deny`"), std::string::npos);
            EXPECT_EQ(p.check_session_options({{name, {at("root/absent")}}}, from_afar).error().code,
                      error_code::invalid_argument);
            EXPECT_EQ(p.check_session_options({{name, {"data"}}}, from_afar).error().code,
                      error_code::invalid_argument);
            EXPECT_EQ(p.check_session_options({{name, {at("root/data/../data/")}}}, from_afar).value(),
                      json({{name, {at("root/data")}}}));
        }
    }
}

TEST_F(option_rules_test, a_debug_file_is_written_under_a_root_and_through_no_link) {
    const auto p = load("session_options = [\"debug_file\"]").value();
    fs::create_symlink(dir_ / "outside/file", dir_ / "root/linked.log");
    std::ofstream(dir_ / "root/there.log") << "x";
    EXPECT_TRUE(p.check_session_options({{"debug_file", at("root/there.log")}}, true));
    EXPECT_TRUE(p.check_session_options({{"debug_file", at("root/new.log")}}, true));
    EXPECT_EQ(p.check_session_options({{"debug_file", at("outside/x.log")}}, true).error().code,
              error_code::policy_denied);
    for (const char* path : {"root/linked.log", "root/data", "root/", "root/data/.."})
        EXPECT_FALSE(p.check_session_options({{"debug_file", at(path)}}, false)) << path;
}

TEST_F(option_rules_test, a_wrong_setting_keeps_the_agent_from_starting) {
    for (const auto& [text, named] : {std::pair("session_options = [\"mcp_server\"]", "mcp_server"),
                                      std::pair("session_options = \"agents\"", "session_options"),
                                      std::pair("session_options = [\"executable\"]", "executable"),
                                      std::pair("session_env = [\"A=b\"]", "session_env"),
                                      std::pair("session_executables = [\"claude\"]", "session_executables")}) {
        const auto p = load(text);
        ASSERT_FALSE(p) << text;
        EXPECT_NE(p.error().find(named), std::string::npos) << p.error();
    }
}

}  // namespace
