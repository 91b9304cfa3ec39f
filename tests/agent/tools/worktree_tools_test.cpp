#include <cstdlib>

#include "tests/agent/tools/tools_fixture.hpp"

namespace agent::tools::test {
namespace {

using proto::error_code;

class worktree_tools_test : public tools_test {
protected:
    worktree_tools_test() {
        set_policy("worktrees = \"" + trees().string() + "\"\n");
        sh("git init -q -b main . && git config user.name ada && git config user.email a@b && mkdir sub && echo one > sub/kept && "
           "git add -A && git commit -q -m first && git tag v1 && echo two > sub/kept && git commit -q -a -m second");
    }
    std::filesystem::path trees() const { return work() / "trees"; }
    void sh(const std::string& command) {
        const std::string line =
            "cd '" + project() + "' && export HOME=/nonexistent GIT_CONFIG_GLOBAL=/dev/null && " + command;
        ASSERT_EQ(std::system(line.c_str()), 0) << command;
    }
    json create(json worktree, json more = json::object()) {
        more["worktree"] = std::move(worktree);
        if (!more.contains("cwd")) more["cwd"] = project();
        return value({"create_session", std::move(more)});
    }
    error_code refused(json worktree, const std::string& cwd) {
        return code({"create_session", {{"cwd", cwd}, {"worktree", std::move(worktree)}}});
    }
    std::string content(const std::filesystem::path& file) {
        std::ifstream in(file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
};

TEST_F(worktree_tools_test, each_parameter_by_its_effect) {
    const auto plain = create(json::object());
    const std::string name = plain["sessionId"].get<std::string>().substr(0, 8);
    EXPECT_EQ(plain["worktree"]["path"], (trees() / "project" / name).string());
    EXPECT_EQ(plain["worktree"]["branch"], "codez/" + name);
    EXPECT_EQ(plain["cwd"], plain["worktree"]["path"]);
    EXPECT_EQ(json(engine_.created.back().cwd), plain["cwd"]);
    EXPECT_EQ(content(plain["cwd"].get<std::string>() + "/sub/kept"), "two\n");

    const auto named = create({{"name", "fix-it"}, {"base", "v1"}}, {{"cwd", project() + "/sub"}});
    EXPECT_EQ(named["cwd"], (trees() / "project/fix-it/sub").string());
    EXPECT_EQ(named["worktree"]["branch"], "codez/fix-it");
    EXPECT_EQ(content(named["cwd"].get<std::string>() + "/kept"), "one\n");
    EXPECT_FALSE(value({"create_session", {{"cwd", project()}}}).contains("worktree"));
}

TEST_F(worktree_tools_test, errors_leave_nothing_behind) {
    EXPECT_EQ(refused({{"base", "nonsense"}}, project()), error_code::invalid_argument);
    EXPECT_EQ(refused({{"name", "../x"}}, project()), error_code::invalid_argument);
    EXPECT_EQ(refused({{"other", 1}}, project()), error_code::invalid_argument);
    EXPECT_EQ(refused(json::object(), work().string()), error_code::invalid_argument) << "no repository";
    sh("mkdir new");
    EXPECT_EQ(refused(json::object(), project() + "/new"), error_code::invalid_argument) << "not in the commit";
    engine_.refusal = proto::error{error_code::resource_exhausted, "Too many sessions.", {}, {}};
    EXPECT_EQ(refused(json::object(), project()), error_code::resource_exhausted);
    if (std::filesystem::exists(trees() / "project")) EXPECT_TRUE(std::filesystem::is_empty(trees() / "project"));
    sh("test -z \"$(git branch --list 'codez/*')\" && test \"$(git worktree list | wc -l)\" = 1");
    create({{"name", "taken"}});
    EXPECT_EQ(refused({{"name", "taken"}}, project()), error_code::invalid_argument);
    EXPECT_EQ(engine_.created.size(), 1u);
}

TEST_F(worktree_tools_test, the_policy_rules) {
    const auto rule = [&](const std::string& more, const std::string& cwd) {
        set_policy(more);
        const auto got = call({"create_session", {{"cwd", cwd}, {"worktree", json::object()}}});
        EXPECT_FALSE(got);
        EXPECT_EQ(got.error().code, error_code::policy_denied);
        return json::parse(got.error().details)["rule"].get<std::string>();
    };
    EXPECT_EQ(rule("", project()), "worktrees") << "refused unless it is allowed";
    EXPECT_EQ(rule("worktrees = \"" + (directory_.path() / "outside").string() + "\"\n", project()), "worktrees");
    // A directory of a repository whose root is closed.
    std::filesystem::create_directories(work() / "closed/open");
    sh("git init -q -b main ../closed");
    EXPECT_EQ(rule("worktrees = \"" + trees().string() + "\"\ndeny = [\"" + (work() / "closed/.git").string() + "\"]\n",
                   (work() / "closed/open").string()),
              "roots");
    EXPECT_TRUE(engine_.created.empty());
}

TEST_F(worktree_tools_test, the_same_call_again_makes_one) {
    const call_of once{"create_session", {{"cwd", project()}, {"worktree", {{"name", "one"}}}}, "key"};
    const auto first = value(once);
    EXPECT_EQ(value(once), first);
    EXPECT_EQ(engine_.created.size(), 1u);
}

TEST_F(worktree_tools_test, it_is_removed_when_asked_for_and_clean) {
    const auto dispose = [&](const json& made, bool remove) {
        json arguments{{"session_id", made["sessionId"]}};
        if (remove) arguments["remove_worktree"] = true;
        return value({"dispose_session", arguments});
    };
    const auto there = [](const json& made) {
        return std::filesystem::exists(made["worktree"]["path"].get<std::string>());
    };
    const auto clean = create(json::object());
    EXPECT_EQ(dispose(clean, false), (json{{"ok", true}}));
    EXPECT_TRUE(there(clean));
    EXPECT_EQ(dispose(clean, true)["worktree"], "removed");
    EXPECT_FALSE(there(clean));
    EXPECT_EQ(dispose(clean, true)["worktree"], "removed") << "asking again does no harm";

    const auto dirty = create(json::object());
    std::ofstream(dirty["cwd"].get<std::string>() + "/work") << "precious\n";
    EXPECT_EQ(dispose(dirty, true)["worktree"], "kept");
    EXPECT_EQ(content(dirty["cwd"].get<std::string>() + "/work"), "precious\n");

    const auto shared = create(json::object());
    engine_.add("other", shared["cwd"].get<std::string>()).session.status = "live";
    EXPECT_EQ(dispose(shared, true)["worktree"], "kept") << "another session works there";
    const auto opened = create(json::object());
    engine_.sessions[opened["sessionId"]].session.status = "mirror";
    EXPECT_EQ(dispose(opened, true)["worktree"], "kept") << "somebody's terminal works there";
    EXPECT_FALSE(dispose(value({"create_session", {{"cwd", project()}}}), true).contains("worktree")) << "it has none";
    EXPECT_TRUE(std::filesystem::exists(project() + "/sub/kept"));
}

}  // namespace
}  // namespace agent::tools::test
