#include "agent/policy/policy.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

namespace fs = std::filesystem;
using agent::call_origin;
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

TEST_F(policy_test, work_trees_are_made_only_where_it_says_and_below_a_root) {
    const std::string roots = "roots = [\"" + (dir_ / "root").string() + "\"]\n";
    const auto check = [&](const std::string& more) { return load(roots + more).value().check_worktrees(); };
    EXPECT_EQ(check("worktrees = \"" + (dir_ / "root/trees/").string() + "\"").value(), dir_ / "root/trees");
    for (const std::string& more : {std::string(), "worktrees = \"" + (dir_ / "outside").string() + "\"",
                                    "worktrees = \"" + (dir_ / "root/.ssh").string() + "\"",
                                    "worktrees = \"" + (dir_ / "root/../outside").string() + "\""}) {
        const auto refused = check(more);
        ASSERT_FALSE(refused) << more;
        EXPECT_EQ(refused.error().code, error_code::policy_denied);
        EXPECT_NE(refused.error().message.find("rule `worktrees`"), std::string::npos) << refused.error().message;
        EXPECT_EQ(nlohmann::json::parse(refused.error().details)["rule"], "worktrees");
    }
}

TEST_F(policy_test, refuses_what_leads_out_of_the_root) {
    const auto p = with_root();
    fs::create_directory_symlink(dir_ / "outside", dir_ / "root/escape");
    for (const auto& path :
         {dir_ / "outside", dir_ / "root/../outside", dir_ / "root/escape", fs::path("/"), dir_ / "root2"}) {
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
    for (const std::string& path :
         {std::string(), std::string("root"), (dir_ / "root").string() + std::string("\0x", 2)})
        EXPECT_EQ(p.check_directory(path).error().code, error_code::invalid_argument);
}

TEST_F(policy_test, deny_patterns_win_over_roots) {
    const auto r = with_root().check_directory((dir_ / "root/project/.ssh").string());
    ASSERT_FALSE(r);
    EXPECT_NE(r.error().message.find("rule `deny`"), std::string::npos);
    // What lies below, however the path is spelled, and in either case of letters.
    fs::create_directories(dir_ / "root/project/.ssh/below");
    fs::create_directories(dir_ / "root/.SSH");
    fs::create_directory_symlink(dir_ / "root/project/.ssh", dir_ / "root/harmless");
    for (const char* path :
         {"root/project/.ssh/below", "root/project/./.ssh/", "root/x/../project/.ssh", "root/.SSH", "root/harmless"})
        EXPECT_EQ(with_root().check_directory((dir_ / path).string()).error().code, error_code::policy_denied) << path;
}

TEST_F(policy_test, a_denied_name_counts_also_where_it_is_a_link) {
    fs::create_directories(dir_ / "root/data/secret");
    fs::create_directory_symlink(dir_ / "root/data/secret", dir_ / "root/secret");
    const std::string roots = "roots = [\"" + (dir_ / "root").string() + "\"]\n";
    const auto p = load(roots + "deny = [\"" + (dir_ / "root/secret").string() + "\"]").value();
    for (const char* path : {"root/secret", "root/data/secret"})
        EXPECT_EQ(p.check_directory((dir_ / path).string()).error().code, error_code::policy_denied) << path;
    EXPECT_TRUE(p.check_directory((dir_ / "root/data").string()));
    EXPECT_FALSE(p.opens(dir_ / "root/data/secret/below"));
    EXPECT_TRUE(p.opens(dir_ / "root/data"));
}

TEST_F(policy_test, an_own_list_of_denials_replaces_the_usual_one) {
    const auto p = load("roots = [\"" + (dir_ / "root").string() + "\"]\ndeny = []").value();
    EXPECT_TRUE(p.check_directory((dir_ / "root/project/.ssh").string()));
}

TEST_F(policy_test, magic_links_and_dots_do_not_lead_out) {
    const auto p = with_root();
    fs::create_directory_symlink("/proc/self/root", dir_ / "root/slash");
    fs::create_directory_symlink("../outside", dir_ / "root/relative");
    fs::create_directory_symlink("loop", dir_ / "root/loop");
    const std::string self = "/proc/self/root" + dir_.string();
    for (const fs::path& path :
         {fs::path(self + "/outside"), dir_ / "root/slash", dir_ / "root/slash/etc", dir_ / "root/relative",
          dir_ / "root/project/../../outside", fs::path("/proc/self/cwd/../../../../../../etc"), dir_ / "rootx",
          fs::path("//etc"), fs::path("/")})
        EXPECT_EQ(p.check_directory(path.string()).error().code, error_code::policy_denied) << path;
    EXPECT_FALSE(p.check_directory((dir_ / "root/loop").string()));
    // By another way to a place inside it is that place.
    EXPECT_EQ(p.check_directory(self + "/root/project").value(), dir_ / "root/project");
    EXPECT_EQ(p.check_directory((dir_ / "root/project").string() + "//./").value(), dir_ / "root/project");
}

TEST_F(policy_test, a_root_that_becomes_a_link_opens_nothing_else) {
    fs::create_directory_symlink(dir_ / "root", dir_ / "link");
    const auto p = load("roots = [\"" + (dir_ / "link").string() + "\"]").value();
    EXPECT_EQ(p.check_directory((dir_ / "link/project").string()).value(), dir_ / "root/project");
    EXPECT_EQ(p.check_directory((dir_ / "root/project").string()).value(), dir_ / "root/project");

    fs::create_directories(dir_ / "outside/project");
    fs::rename(dir_ / "root", dir_ / "moved");
    fs::create_directory_symlink(dir_ / "outside", dir_ / "root");
    EXPECT_EQ(p.check_directory((dir_ / "root/project").string()).error().code, error_code::policy_denied);
    EXPECT_EQ(p.check_directory((dir_ / "outside/project").string()).error().code, error_code::policy_denied);
}

TEST_F(policy_test, never_gives_a_place_outside_while_somebody_swaps_links) {
    const auto p = with_root();
    fs::create_directories(dir_ / "root/a");
    fs::create_directory_symlink(dir_ / "outside", dir_ / "root/b");
    std::atomic<bool> stop = false;
    std::thread swapping([&] {
        while (!stop)
            ::renameat2(AT_FDCWD, (dir_ / "root/a").c_str(), AT_FDCWD, (dir_ / "root/b").c_str(), RENAME_EXCHANGE);
    });
    int opened = 0;
    for (int i = 0; i < 3000; ++i) {
        const auto r = p.check_directory((dir_ / "root/a").string());
        if (!r) continue;
        ++opened;
        const bool inside = *r == dir_ / "root/a" || *r == dir_ / "root/b";
        EXPECT_TRUE(inside) << *r;
    }
    stop = true;
    swapping.join();
    EXPECT_GT(opened, 0);
}

TEST_F(policy_test, names_are_bytes) {
    fs::create_directories(dir_ / "root/caf\xc3\xa9");
    const auto p = load("roots = [\"" + (dir_ / "root/caf\xc3\xa9").string() + "\"]").value();
    EXPECT_TRUE(p.check_directory((dir_ / "root/caf\xc3\xa9").string()));
    fs::create_directories(dir_ / "root/cafe\xcc\x81");  // looks the same, is another directory
    EXPECT_EQ(p.check_directory((dir_ / "root/cafe\xcc\x81").string()).error().code, error_code::policy_denied);
    EXPECT_FALSE(p.check_directory((dir_ / "root/\xff").string()));
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
    for (const char* text :
         {"root = [\"/\"]", "roots = [\"relative\"]", "roots = [\"/absent-directory\"]", "roots = 3",
          "max_sessions = 0", "idle_minutes = -1", "keep_days = -1", "keep_days = 0.5", "idle_minutes = \"soon\"",
          "max_permission_mode = \"bypassPermissions\"", "remote_permission_response = \"perhaps\"",
          "claude = \"claude\"", "worktrees = \"trees\"", "worktrees = 7", "deny = [\"~/.ssh\"]", "deny = [\"a/../b\"]",
          "deny = [\"/\"]", "deny = [\"\"]", "deny = [3]"})
        EXPECT_FALSE(load(text)) << text;
}

TEST_F(policy_test, sessions_are_kept_for_90_days_unless_it_says_otherwise) {
    EXPECT_EQ(load("").value().keep(), std::chrono::days(90));
    EXPECT_EQ(load("keep_days = 7").value().keep(), std::chrono::days(7));
    EXPECT_EQ(load("keep_days = 0").value().keep().count(), 0);
}

TEST_F(policy_test, idle_minutes_may_be_a_fraction_or_never) {
    EXPECT_EQ(load("").value().idle_ttl(), std::chrono::minutes(30));
    EXPECT_EQ(load("idle_minutes = 0").value().idle_ttl().count(), 0);
    EXPECT_EQ(load("idle_minutes = 0.5").value().idle_ttl(), std::chrono::seconds(30));
}

TEST_F(policy_test, the_system_file_wins_and_must_be_roots_alone) {
    EXPECT_EQ(load("max_sessions = 5").value().max_sessions(), 5u);
    std::ofstream(dir_ / "system.toml") << "max_sessions = 3";
    fs::permissions(dir_ / "system.toml", fs::perms::owner_read | fs::perms::owner_write);
    if (::geteuid() == 0) {
        EXPECT_EQ(load("max_sessions = 5").value().max_sessions(), 3u);
    }
    // Never the laxer file of the user in its place, and never silently.
    for (const auto writers : {fs::perms::group_write, fs::perms::others_write}) {
        fs::permissions(dir_ / "system.toml", fs::perms::owner_all | writers);
        const auto refused = load("max_sessions = 5");
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().find("system.toml"), std::string::npos) << refused.error();
    }
}

TEST_F(policy_test, a_root_must_be_a_directory) {
    std::ofstream(dir_ / "file") << "x";
    EXPECT_NE(load("roots = [\"" + (dir_ / "file").string() + "\"]").error().find("not a directory"),
              std::string::npos);
}

TEST_F(policy_test, remote_answers_can_be_switched_off) {
    constexpr bool person = true;
    EXPECT_TRUE(with_root().check_remote_permission_response(!person));
    EXPECT_TRUE(with_root().check_self_approval(!person));
    const auto asking = load("remote_permission_response = \"ask\"\nself_approval = \"ask\"").value();
    EXPECT_TRUE(asking.check_remote_permission_response(person));
    EXPECT_TRUE(asking.check_self_approval(person));
    EXPECT_NE(asking.check_remote_permission_response(!person).error().message.find("signed-in person"),
              std::string::npos);
    EXPECT_NE(asking.check_self_approval(!person).error().message.find("rule `self_approval` of"), std::string::npos);
    const auto closed = load("remote_permission_response = \"never\"\nself_approval = \"deny\"").value();
    EXPECT_FALSE(closed.check_remote_permission_response(person));
    EXPECT_FALSE(closed.check_self_approval(person));
    for (const char* text :
         {"remote_permission_response = \"deny\"", "self_approval = \"never\"", "self_approval = true"})
        EXPECT_FALSE(load(text)) << text;
}

TEST_F(policy_test, rules_for_tools_are_read_and_the_strictest_decides) {
    const auto p = load(
                       "permission_expiry_s = 90\n[tool_rules]\ndeny = [\"Bash(git push *)\"]\nask = [\"Write\"]\n"
                       "allow = [\"Write\", \"Bash(git *)\"]\naudit = [\"Bash\"]")
                       .value();
    EXPECT_EQ(p.permission_expiry().count(), 90);
    const std::filesystem::path cwd = "/w";
    const auto decide = [&](const std::string& tool, const nlohmann::json& input) {
        const auto verdict = p.tool_rules().decide({tool, input, cwd});
        return verdict ? std::to_string(static_cast<int>(verdict->action)) + " " + verdict->rule : std::string();
    };
    EXPECT_EQ(decide("Bash", {{"command", "git push"}}), "2 Bash(git push *)");
    EXPECT_EQ(decide("Bash", {{"command", "git log"}}), "0 Bash(git *)");
    EXPECT_EQ(decide("Bash", {{"command", "git log; rm x"}}), "");
    EXPECT_EQ(decide("Write", {}), "1 Write");
    EXPECT_EQ(p.tool_rules().audited_by({"Bash", {{"command", "ls"}}, cwd}), "Bash");
    EXPECT_EQ(nlohmann::json::parse(p.tool_rules().claude_settings()),
              (nlohmann::json{{"permissions", {{"deny", {"Bash(git push *)"}}, {"ask", {"Write"}}}}}));
    EXPECT_EQ(with_root().tool_rules().claude_settings(), "");
    for (const char* text :
         {"tool_rules = 3", "[tool_rules]\nforbid = []", "[tool_rules]\nallow = [\"Bash(\"]",
          "[tool_rules]\nallow = \"Bash\"", "permission_expiry_s = 0", "permission_expiry_s = \"1h\""})
        EXPECT_FALSE(load(text)) << text;
}

TEST_F(policy_test, changes_to_claudes_own_rules_need_a_destination_that_is_open) {
    using nlohmann::json;
    const auto check = [this](const std::string& settings, json update, call_origin from) {
        const auto p = load("roots = [\"" + (dir_ / "root").string() + "\"]\n" + settings).value();
        const auto checked = p.check_permission_updates(json::array({std::move(update)}), from);
        return checked ? std::string()
                       : std::string(proto::to_string(checked.error().code)) + " " + checked.error().message;
    };
    const json rule{{"type", "addRules"}, {"destination", "localSettings"}};
    EXPECT_EQ(check("", rule, call_origin::machine), "");
    const auto refused = check("", rule, call_origin::link);
    EXPECT_TRUE(refused.starts_with("policy_denied")) << refused;
    EXPECT_NE(refused.find("rule `remote_permission_updates` of"), std::string::npos) << refused;
    EXPECT_EQ(check("remote_permission_updates = [\"localSettings\"]", rule, call_origin::link), "");
    EXPECT_NE(check("remote_permission_updates = [\"session\"]", rule, call_origin::link), "");
    const auto session = [](json more) {
        more["destination"] = "session";
        return more;
    };
    const std::string open = "remote_permission_updates = [\"session\"]";
    EXPECT_EQ(check(open, session({{"type", "setMode"}, {"mode", "acceptEdits"}}), call_origin::link), "");
    for (const auto from : {call_origin::machine, call_origin::link}) {
        EXPECT_NE(check(open, session({{"type", "setMode"}, {"mode", "bypassPermissions"}}), from), "");
        EXPECT_NE(check(open, session({{"type", "addDirectories"}, {"directories", {"/etc"}}}), from), "");
        EXPECT_NE(check(open, session({{"type", "addDirectories"}, {"directories", {7}}}), from), "");
        EXPECT_NE(check(open, {{"type", "addRules"}, {"destination", "elsewhere"}}, from), "");
        EXPECT_NE(check(open, json("text"), from), "");
    }
    const json inside = session({{"type", "addDirectories"}, {"directories", {(dir_ / "root").string()}}});
    EXPECT_EQ(check(open, inside, call_origin::link), "");
    EXPECT_FALSE(load("remote_permission_updates = [\"everywhere\"]"));
}

}  // namespace
