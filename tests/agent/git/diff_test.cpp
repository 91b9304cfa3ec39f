#include "tests/agent/git/git_fixture.hpp"

#include <algorithm>

namespace agent::git::test {
namespace {

using proto::error_code;

class diff_test : public git_test {};

TEST_F(diff_test, what_changed_since_the_session_was_made_and_not_what_was_dirty_before) {
    write("dirty.txt", "was there, uncommitted\n");
    write("kept.txt", "one\ntwo\nthree\nbefore\n");
    record();
    auto nothing = compare();
    EXPECT_TRUE(nothing.since_session);
    EXPECT_GT(nothing.base_at_ms, 0);
    EXPECT_EQ(told(nothing), "");
    EXPECT_EQ(nothing.patch, "");

    write("kept.txt", "one\ntwo\nthree\nbefore\nafter\n");
    write("new/file.txt", "new\n");
    write("ignored/file.txt", "never seen\n");
    std::filesystem::remove(tree() / "gone.txt");
    const auto changed = compare();
    EXPECT_EQ(told(changed), "D gone.txt +0-1; M kept.txt +1-0; A new/file.txt +1-0; ");
    EXPECT_NE(changed.patch.find("+after\n"), std::string::npos) << changed.patch;
    EXPECT_EQ(changed.patch.find("+before\n"), std::string::npos);
    EXPECT_EQ(changed.patch.find("never seen"), std::string::npos);

    sh("git add -A && git commit -q -m later");
    const auto committed = compare();
    EXPECT_EQ(told(committed).find("dirty"), std::string::npos) << "committing changes no file";
    EXPECT_EQ(told(committed), told(changed));
    EXPECT_NE(committed.head, committed.base_head);
}

TEST_F(diff_test, kinds_of_changes) {
    write("binary", std::string("\0\1\2", 3));
    write("moved.txt", "a\nb\nc\nd\ne\nf\n");
    write("dir/file", "x\n");
    write("became", "x\n");
    sh("git add -A && git commit -q -m more");
    record();
    write("binary", std::string("\0\1\3", 3));
    sh("mv moved.txt renamed.txt");
    sh("rm -r dir && ln -s /etc dir");  // a directory is a link now: nothing of /etc is looked at
    sh("rm became && mkdir became && echo y > became/below");
    sh("rm kept.txt && ln -s gone.txt kept.txt");  // a file is a link now
    sh("chmod +x gone.txt");
    sh("mkfifo pipe && mkdir -p inner && cd inner && git init -q . && echo z > z");
    write("odd \"name\"\n.txt", "odd\n");
    const auto d = compare();
    EXPECT_EQ(
        told(d),
        "D became +0-1; A became/below +1-0; M binary; A dir +1-0; D dir/file +0-1; M gone.txt +0-0; T kept.txt +1-3; "
        "A odd \"name\"\n.txt +1-0; R moved.txt>renamed.txt +0-0; ");
    EXPECT_EQ(d.patch.find("root:"), std::string::npos);
}

TEST_F(diff_test, without_a_base_it_is_what_is_not_committed) {
    write("kept.txt", "one\n");
    const auto d = compare();
    EXPECT_FALSE(d.since_session);
    EXPECT_NE(d.base_note, "");
    EXPECT_EQ(d.base_head, d.head);
    EXPECT_EQ(told(d), "M kept.txt +0-2; ");
}

TEST_F(diff_test, a_repository_without_a_commit) {
    sh("rm -rf .git && git init -q -b main .");
    EXPECT_EQ(told(compare()), "A .gitignore +1-0; A gone.txt +1-0; A kept.txt +3-0; ");
    record();
    write("kept.txt", "one\n");
    const auto d = compare();
    EXPECT_EQ(told(d), "M kept.txt +0-2; ");
    EXPECT_EQ(d.head, "");
}

TEST_F(diff_test, a_linked_work_tree_and_a_sha256_repository) {
    sh("git worktree add -q ../linked -b other");
    diff_request request;
    request.directory = home() / "linked";
    bases().record("s", request.directory, all_open, soon());
    std::ofstream(home() / "linked/kept.txt") << "other\n";
    EXPECT_EQ(told(compare(request)), "M kept.txt +1-3; ");

    sh("git init -q -b main --object-format=sha256 ../long && cd ../long && echo a > a");
    request.directory = home() / "long";
    bases().record("t", request.directory, all_open, soon());
    std::ofstream(home() / "long/a") << "b\n";
    const auto d = bases().compare("t", request, all_open, soon());
    ASSERT_TRUE(d) << d.error().message;
    EXPECT_TRUE(d->since_session);
    EXPECT_EQ(told(*d), "M a +1-1; ");
}

TEST_F(diff_test, nothing_that_the_repository_configures_is_run) {
    const auto program = trap();
    write(".gitattributes", "*.txt filter=evil diff=evil\n");
    sh("git add .gitattributes && git commit -q -m attributes");
    for (const std::string setting :
         {"filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.evil.command",
          "diff.external", "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass",
          "credential.helper", "alias.ls-files", "gpg.program"})
        sh("git config " + setting + " '" + program + "'");
    sh("git config filter.evil.required true && git config core.hooksPath '" + home().string() + "/hooks'");
    sh("mkdir -p ../hooks && for h in post-index-change post-checkout pre-commit reference-transaction; do cp ../trap ../hooks/$h; done");
    std::filesystem::remove(home() / "sprung");
    record();
    write("kept.txt", "one\n");
    write("new.txt", "new\n");
    const auto d = compare();
    EXPECT_EQ(told(d), "M kept.txt +0-2; A new.txt +1-0; ");
    EXPECT_NE(d.patch.find("-two"), std::string::npos);
    EXPECT_FALSE(sprung());
    // The trap works: git itself would have run it.
    sh("git status > ../status 2>&1 || true");
    EXPECT_TRUE(sprung());
}

TEST_F(diff_test, a_submodules_configuration_is_not_run_either) {
    const auto program = trap();
    sh("git init -q -b main ../other && cd ../other && git config user.name a && git config user.email a@b && echo x > x && git add x && git commit -q -m x");
    sh("git -c protocol.file.allow=always submodule add -q ../other sub && git commit -q -m sub");
    sh("cd sub && git config core.fsmonitor '" + program + "' && git config filter.evil.clean '" + program +
       "' && echo '* filter=evil' > .gitattributes && echo y > x");
    std::filesystem::remove(home() / "sprung");
    record();
    std::ofstream(tree() / "sub/x") << "z\n";
    EXPECT_EQ(told(compare()), "") << "what lies in a submodule is its own";
    EXPECT_FALSE(sprung());
}

TEST_F(diff_test, the_repository_itself_is_not_written_to) {
    const auto listing = [&] {
        std::string out;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(tree() / ".git"))
            if (entry.is_regular_file())
                out +=
                    entry.path().string() + std::to_string(entry.last_write_time().time_since_epoch().count()) + "\n";
        return out;
    };
    const auto before = listing();
    record();
    write("kept.txt", "one\n");
    write("new.txt", "new\n");
    std::ignore = compare();
    EXPECT_EQ(listing(), before);
    std::size_t left = 0;
    for (const auto& entry : std::filesystem::directory_iterator(state())) left += entry.path().filename() != "s";
    EXPECT_EQ(left, 0u) << "only the base stays";
}

TEST_F(diff_test, what_the_policy_closes_is_not_shown) {
    write("secret/key", "before\n");
    sh("git add -A && git commit -q -m secret");
    const path_filter opens = [&](const std::filesystem::path& path) {
        return path.string().find("/secret") == std::string::npos;
    };
    bases().record("s", tree(), opens, soon());
    write("secret/key", "after\n");
    write("secret/new", "after\n");
    write("kept.txt", "one\n");
    sh("git add -A && git commit -q -m changed");
    diff_request request;
    request.directory = tree();
    const auto d = bases().compare("s", request, opens, soon());
    ASSERT_TRUE(d) << d.error().message;
    EXPECT_EQ(told(*d), "M kept.txt +0-2; ");
    EXPECT_EQ(d->patch.find("after"), std::string::npos) << d->patch;
    const path_filter closed = [&](const std::filesystem::path& path) { return path != tree(); };
    EXPECT_EQ(bases().compare("s", request, closed, soon()).error().code, error_code::policy_denied);
}

TEST_F(diff_test, the_patch_is_bounded_and_narrowed) {
    record();
    std::string lines;
    for (int i = 0; i < 1000; ++i) lines += "line\n";
    write("a.txt", lines);
    write("sub/b.txt", "b\n");
    diff_request request;
    request.patch_bytes_max = 1024;
    auto d = compare(request);
    EXPECT_TRUE(d.patch_cut);
    EXPECT_LE(d.patch.size(), 1024u);
    EXPECT_TRUE(d.patch.ends_with('\n'));
    EXPECT_EQ(told(d), "A a.txt +1000-0; A sub/b.txt +1-0; ");
    request.path = "sub";
    d = compare(request);
    EXPECT_FALSE(d.patch_cut);
    EXPECT_EQ(told(d), "A sub/b.txt +1-0; ");
    EXPECT_EQ(d.patch.find("a.txt"), std::string::npos);
    request.with_patch = false;
    EXPECT_EQ(compare(request).patch, "");
    request.directory = tree();
    for (const char* outside : {"../x", "/etc", "sub/../../x"}) {
        request.path = outside;
        EXPECT_EQ(bases().compare("s", request, all_open, soon()).error().code, error_code::invalid_argument)
            << outside;
    }
    request.path = "*.txt";
    EXPECT_EQ(told(compare(request)), "") << "a name, no pattern";
}

TEST_F(diff_test, large_files_are_named_not_compared) {
    record();
    write("large", std::string(proto::limits::diff_file_bytes_max + 1, 'x'));
    write("small", "x\n");
    const auto d = compare();
    EXPECT_EQ(told(d), "A small +1-0; ");
    EXPECT_EQ(d.skipped, std::vector<std::string>{"large"});
}

TEST_F(diff_test, a_base_is_recorded_once_and_only_in_a_repository) {
    EXPECT_FALSE(bases().has("s"));
    record();
    EXPECT_TRUE(bases().has("s"));
    write("kept.txt", "one\n");
    record();
    EXPECT_EQ(told(compare()), "M kept.txt +0-2; ");
    bases().record("t", home(), all_open, soon());
    EXPECT_FALSE(bases().has("t"));
    diff_request request;
    request.directory = home();
    EXPECT_EQ(bases().compare("t", request, all_open, soon()).error().code, error_code::invalid_argument);
}

TEST_F(diff_test, a_base_that_could_not_be_recorded_says_why) {
    bases().record("s", tree(), all_open, std::chrono::steady_clock::now() + std::chrono::hours(1));
    ASSERT_TRUE(bases().has("s"));
    std::ofstream(state() / "s/base.json")
        << R"({"at":1,"head":"","root":")" << tree().string() << R"(","failed":"It took too long."})";
    write("kept.txt", "one\n");
    const auto d = compare();
    EXPECT_FALSE(d.since_session);
    EXPECT_NE(d.base_note.find("It took too long."), std::string::npos);
    std::ofstream(state() / "s/base.json") << "nonsense";
    EXPECT_FALSE(compare().since_session);
}

}  // namespace
}  // namespace agent::git::test
