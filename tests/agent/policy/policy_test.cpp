#include "agent/policy/policy.hpp"

#include <filesystem>
#include <fstream>

#include <stdlib.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;
using proto::error_code;

class policy_test : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "codez-policy-XXXXXX").string();
        dir_ = ::mkdtemp(pattern.data());
        dir_ = fs::canonical(dir_);
        fs::create_directories(dir_ / "root/project/.ssh");
        fs::create_directories(dir_ / "outside");
    }
    void TearDown() override { fs::remove_all(dir_); }

    std::expected<agent::policy, std::string> load(const std::string& text) {
        std::ofstream(dir_ / "agent.toml") << text;
        return agent::policy::load(dir_ / "agent.toml", dir_ / "system.toml");
    }
    agent::policy with_root() { return load("roots = [\"" + (dir_ / "root").string() + "\"]").value(); }

    fs::path dir_;
};

TEST_F(policy_test, opens_no_directory_without_roots) {
    const auto p = agent::policy::load(dir_ / "absent.toml", dir_ / "system.toml").value();
    const auto r = p.check_directory((dir_ / "root").string());
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, error_code::policy_denied);
    EXPECT_NE(r.error().message.find("absent.toml"), std::string::npos) << r.error().message;
}

TEST_F(policy_test, accepts_a_root_and_what_lies_below) {
    const auto p = with_root();
    EXPECT_EQ(p.check_directory((dir_ / "root").string()).value(), dir_ / "root");
    EXPECT_EQ(p.check_directory((dir_ / "root/project/../project/").string()).value(), dir_ / "root/project");
}

TEST_F(policy_test, refuses_what_leads_out_of_the_root) {
    const auto p = with_root();
    fs::create_directory_symlink(dir_ / "outside", dir_ / "root/escape");
    for (const auto& path : {dir_ / "outside", dir_ / "root/../outside", dir_ / "root/escape", fs::path("/"), dir_ / "root2"}) {
        const auto r = p.check_directory(path.string());
        ASSERT_FALSE(r) << path;
        EXPECT_EQ(r.error().code, error_code::policy_denied) << path;
        EXPECT_NE(r.error().message.find("rule `roots`"), std::string::npos);
    }
}

TEST_F(policy_test, tells_a_missing_directory_from_a_forbidden_one) {
    const auto p = with_root();
    std::ofstream(dir_ / "root/file") << "x";
    for (const char* name : {"root/absent", "root/file"}) {
        const auto r = p.check_directory((dir_ / name).string());
        ASSERT_FALSE(r);
        EXPECT_EQ(r.error().code, error_code::invalid_argument) << name;
    }
}

TEST_F(policy_test, refuses_relative_empty_and_nul_paths) {
    const auto p = with_root();
    for (const std::string& path : {std::string(), std::string("root"), (dir_ / "root").string() + std::string("\0x", 2)})
        EXPECT_EQ(p.check_directory(path).error().code, error_code::invalid_argument);
}

TEST_F(policy_test, deny_patterns_win_over_roots) {
    const auto r = with_root().check_directory((dir_ / "root/project/.ssh").string());
    ASSERT_FALSE(r);
    EXPECT_NE(r.error().message.find("rule `deny`"), std::string::npos);
}

TEST_F(policy_test, permission_modes_follow_the_ladder) {
    const auto p = with_root();
    EXPECT_EQ(p.check_permission_mode("").value(), "default");
    EXPECT_EQ(p.check_permission_mode("plan").value(), "plan");
    EXPECT_EQ(p.check_permission_mode("acceptEdits").value(), "acceptEdits");
    EXPECT_EQ(p.check_permission_mode("auto").error().code, error_code::policy_denied);
    EXPECT_EQ(p.check_permission_mode("bypassPermissions").error().code, error_code::policy_denied);
    EXPECT_EQ(load("max_permission_mode = \"plan\"").value().check_permission_mode("").value(), "plan");
}

TEST_F(policy_test, long_prompts_are_refused_with_both_sizes) {
    const auto p = load("max_prompt_bytes = 10").value();
    EXPECT_TRUE(p.check_prompt("0123456789"));
    EXPECT_NE(p.check_prompt("0123456789a").error().message.find("11 bytes"), std::string::npos);
}

TEST_F(policy_test, a_bad_file_is_refused_with_its_place) {
    EXPECT_NE(load("roots = [\n").error().find("line"), std::string::npos);
    for (const char* text : {"root = [\"/\"]", "roots = [\"relative\"]", "roots = [\"/absent-directory\"]", "roots = 3",
                             "max_sessions = 0", "max_permission_mode = \"bypassPermissions\"",
                             "remote_permission_response = \"perhaps\"", "claude = \"claude\""})
        EXPECT_FALSE(load(text)) << text;
}

TEST_F(policy_test, the_system_file_wins_only_if_nobody_but_root_could_have_written_it) {
    std::ofstream(dir_ / "system.toml") << "max_sessions = 3";
    fs::permissions(dir_ / "system.toml", fs::perms::owner_read | fs::perms::owner_write);
    const std::size_t expected = ::geteuid() == 0 ? 3 : 5;
    EXPECT_EQ(load("max_sessions = 5").value().max_sessions(), expected);
    fs::permissions(dir_ / "system.toml", fs::perms::all);
    EXPECT_EQ(load("max_sessions = 5").value().max_sessions(), 5u);
}

TEST_F(policy_test, remote_answers_can_be_switched_off) {
    EXPECT_TRUE(with_root().check_remote_permission_response());
    EXPECT_FALSE(load("remote_permission_response = \"never\"").value().check_remote_permission_response());
}

}  // namespace
