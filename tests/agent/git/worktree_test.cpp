#include "agent/git/worktree.hpp"

#include "tests/agent/git/git_fixture.hpp"

namespace agent::git::test {
namespace {

using proto::error_code;

class worktree_test : public git_test {
protected:
    proto::result<void> add(const std::string& base = "", const std::string& branch = "codez/one") {
        const auto of = find_place(tree(), soon());
        EXPECT_TRUE(of);
        return add_worktree(*of, {made(), branch, base}, state(), soon());
    }
    std::filesystem::path made() const { return home() / "made"; }
    std::string content(const std::filesystem::path& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void in_made(const std::string& command) { sh("cd ../made && " + command); }
};

TEST_F(worktree_test, has_the_files_of_its_base_on_a_branch_of_its_own) {
    write("kept.txt", "not committed\n");
    ASSERT_TRUE(add());
    EXPECT_EQ(content(made() / "kept.txt"), "one\ntwo\nthree\n");
    in_made("test \"$(git branch --show-current)\" = codez/one");
    in_made("test -z \"$(git status --porcelain)\"");
    in_made("echo more >> kept.txt && git commit -q -a -m more");
    sh("test \"$(git rev-list --count main..codez/one)\" = 1");
    EXPECT_TRUE(std::filesystem::is_empty(state())) << "nothing stays behind";
}

TEST_F(worktree_test, begins_at_the_commit_that_is_named) {
    sh("git tag v1 && echo two > kept.txt && git commit -q -a -m second");
    ASSERT_TRUE(add("v1"));
    EXPECT_EQ(content(made() / "kept.txt"), "one\ntwo\nthree\n");
}

TEST_F(worktree_test, what_cannot_be_made_leaves_nothing) {
    for (const char* base : {"nonsense", "--help", "-x", ""}) {
        if (std::string(base).empty()) sh("git checkout -q --orphan empty");
        const auto refused = add(base);
        ASSERT_FALSE(refused) << base;
        EXPECT_EQ(refused.error().code, error_code::invalid_argument) << base;
        EXPECT_FALSE(std::filesystem::exists(made()));
    }
    EXPECT_EQ(add("main", "main").error().code, error_code::invalid_argument) << "the branch is there";
    EXPECT_EQ(add("main", "a..b").error().code, error_code::invalid_argument);
    std::filesystem::create_directories(made());
    std::ofstream(made() / "mine") << "mine\n";
    EXPECT_EQ(add("main").error().code, error_code::invalid_argument);
    EXPECT_EQ(content(made() / "mine"), "mine\n");
    sh("test -z \"$(git branch --list 'codez/*')\"");
}

TEST_F(worktree_test, nothing_that_the_repository_configures_is_run) {
    const auto program = trap();
    write(".gitattributes", "*.txt filter=evil\n");
    sh("git add .gitattributes && git commit -q -m attributes");
    for (const std::string setting :
         {"filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "core.fsmonitor"})
        sh("git config " + setting + " '" + program + "'");
    sh("git config core.hooksPath '" + home().string() +
       "/hooks' && mkdir -p ../hooks && for h in post-index-change post-checkout "
       "reference-transaction; do cp ../trap ../hooks/$h; done");
    std::filesystem::remove(home() / "sprung");
    ASSERT_TRUE(add());
    EXPECT_EQ(content(made() / "kept.txt"), "one\ntwo\nthree\n");
    const auto removed = remove_clean_worktree(made(), state(), soon());
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_TRUE(*removed);
    EXPECT_FALSE(sprung());
}

TEST_F(worktree_test, is_removed_only_if_nothing_is_lost) {
    const auto remove = [&] { return remove_clean_worktree(made(), state(), soon()).value(); };
    ASSERT_TRUE(add());
    for (const char* work :
         {"echo more >> kept.txt", "echo new > new.txt", "rm kept.txt", "head -c 2000000 /dev/zero > large"}) {
        in_made(work);
        EXPECT_FALSE(remove()) << work;
        EXPECT_TRUE(std::filesystem::exists(made() / ".gitignore"));
        in_made("git reset -q --hard && git clean -q -f -d");
    }
    in_made("mkdir ignored && echo built > ignored/file && echo more >> kept.txt && git commit -q -a -m more");
    EXPECT_TRUE(remove());
    EXPECT_FALSE(std::filesystem::exists(made()));
    sh("test \"$(git rev-list --count main..codez/one)\" = 1");  // the commits are still there
    EXPECT_EQ(remove_clean_worktree(tree(), state(), soon()).error().code, error_code::invalid_argument)
        << "never the repository";
    EXPECT_TRUE(std::filesystem::exists(tree() / "kept.txt"));
}

}  // namespace
}  // namespace agent::git::test
