#include "agent/git/command.hpp"

#include "agent/git/place.hpp"
#include "tests/agent/git/git_fixture.hpp"

namespace agent::git::test {
namespace {

using proto::error_code;

class command_test : public git_test {
protected:
    command of(std::vector<std::string> arguments) {
        command out;
        out.directory = tree();
        out.arguments = std::move(arguments);
        return out;
    }
};

TEST_F(command_test, gives_status_output_and_errors) {
    const auto good = run(of({"rev-parse", "--is-inside-work-tree"}), soon());
    ASSERT_TRUE(good);
    EXPECT_EQ(good->status, 0);
    EXPECT_EQ(good->output, "true\n");
    const auto bad = run(of({"nonsense"}), soon());
    ASSERT_TRUE(bad);
    EXPECT_NE(bad->status, 0);
    EXPECT_NE(bad->errors.find("nonsense"), std::string::npos);
    EXPECT_NE(output_of(of({"nonsense"}), soon(), "do that").error().message.find("could not do that"),
              std::string::npos);
}

TEST_F(command_test, reads_its_input) {
    auto hash = of({"hash-object", "--stdin"});
    hash.input = std::string(300'000, 'x');
    EXPECT_EQ(output_of(hash, soon(), "hash")->size(), 41u);
}

TEST_F(command_test, output_is_bounded) {
    write("long.txt", std::string(500'000, 'x'));
    sh("git add long.txt && git commit -q -m long");
    auto show = of({"cat-file", "blob", "HEAD:long.txt"});
    show.output_bytes_max = 1000;
    const auto shown = run(show, soon());
    ASSERT_TRUE(shown);
    EXPECT_TRUE(shown->cut);
    EXPECT_EQ(shown->output.size(), 1000u);
    EXPECT_EQ(output_of(show, soon(), "show it").error().code, error_code::resource_exhausted);
    show.output_bytes_max = 500'000;
    EXPECT_FALSE(run(show, soon())->cut);
}

TEST_F(command_test, it_ends_at_its_deadline) {
    // Waits for a file that nobody writes to.
    ASSERT_EQ(::mkfifo((tree() / "pipe").c_str(), 0600), 0);
    const auto late =
        run(of({"hash-object", "pipe"}), std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, error_code::timeout);
}

TEST_F(command_test, the_persons_configuration_is_not_read) {
    ::setenv("GIT_DIR", "/nowhere", 1);
    ::setenv("GIT_CONFIG_COUNT", "1", 1);
    ::setenv("GIT_CONFIG_KEY_0", "user.name", 1);
    ::setenv("GIT_CONFIG_VALUE_0", "eve", 1);
    const auto name = run(of({"config", "user.name"}), soon());
    for (const char* variable : {"GIT_DIR", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"})
        ::unsetenv(variable);
    ASSERT_TRUE(name);
    EXPECT_EQ(name->output, "ada\n");
}

TEST_F(command_test, a_place_is_found_from_below_its_root) {
    std::filesystem::create_directories(tree() / "a/b");
    const auto found = find_place(tree() / "a/b", soon());
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->root, tree());
    EXPECT_EQ(found->git_dir, tree() / ".git");
    EXPECT_EQ(found->common_dir, tree() / ".git");
    EXPECT_EQ(found->object_format, "sha1");
    EXPECT_EQ(found->head.size(), 40u);
    EXPECT_EQ(find_place(home(), soon()).error().code, error_code::invalid_argument);
    EXPECT_EQ(find_place(home() / "none", soon()).error().code, error_code::not_found);
    sh("git worktree add -q ../linked -b other");
    const auto linked = find_place(home() / "linked", soon());
    ASSERT_TRUE(linked);
    EXPECT_EQ(linked->common_dir, tree() / ".git");
    EXPECT_NE(linked->git_dir, linked->common_dir);
}

}  // namespace
}  // namespace agent::git::test
