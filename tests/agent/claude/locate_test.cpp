#include "agent/claude/locate.hpp"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace agent::claude {
namespace fs = std::filesystem;
namespace {

class Locate : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/codez-locate-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        root_ = fs::canonical(name);
    }
    void TearDown() override { fs::remove_all(root_); }

    fs::path file(const std::string& path, const std::string& text, bool executable = true) {
        const fs::path full = root_ / path;
        fs::create_directories(full.parent_path());
        std::ofstream(full) << text;
        if (executable) fs::permissions(full, fs::perms::owner_all);
        return full;
    }
    static std::string elf() {
        return "\x7f"
               "ELF and more";
    }

    fs::path root_;
};

TEST_F(Locate, TheConfiguredPathComesFirst) {
    const auto configured = file("a/claude", elf());
    const auto other = file("b/claude", elf());
    EXPECT_EQ(locate(configured, {{"CLAUDE_BIN", other}, {"PATH", (root_ / "b").string()}}), configured);
    EXPECT_EQ(locate("", {{"CLAUDE_BIN", other}, {"PATH", (root_ / "a").string()}}), other);
    EXPECT_EQ(locate("", {{"PATH", (root_ / "none").string() + ":" + (root_ / "a").string()}}), configured);
    EXPECT_EQ(locate("", {{"HOME", root_.string()}, {"PATH", ""}}).value_or(""),
              locate("", {{"HOME", root_.string()}}).value_or(""));
}

TEST_F(Locate, AWrongConfiguredPathIsAnErrorThatNamesIt) {
    const auto found = locate((root_ / "missing").string(), {});
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().message.find("missing"), std::string::npos);
    EXPECT_FALSE(locate("relative/claude", {}));
}

TEST_F(Locate, TakesTheNativeProgramOfTheNpmPackage) {
    file("node_modules/@anthropic-ai/claude-code/bin/claude.exe", "a stub\n");
#if defined(__aarch64__)
    const auto native = file("node_modules/@anthropic-ai/claude-code-linux-arm64/claude", elf());
#else
    const auto native = file("node_modules/@anthropic-ai/claude-code-linux-x64/claude", elf());
#endif
    fs::create_directories(root_ / "bin");
    fs::create_symlink("../node_modules/@anthropic-ai/claude-code/bin/claude.exe", root_ / "bin" / "claude");
    EXPECT_EQ(locate("", {{"PATH", (root_ / "bin").string()}}), native);
}

TEST_F(Locate, AStubWithoutItsProgramIsNotTaken) {
    const auto stub = file("node_modules/@anthropic-ai/claude-code/bin/claude.exe", "a stub\n");
    EXPECT_FALSE(locate(stub, {}));
}

TEST_F(Locate, RelativePathEntriesAreNotSearched) {
    file("claude", elf());
    const auto found = locate("", {{"PATH", "::.:bin"}, {"HOME", (root_ / "nobody").string()}});
    if (found) EXPECT_TRUE(found->string().starts_with("/usr/"));
}

TEST_F(Locate, ReadsTheVersion) {
    const auto program = file("claude", "#!/bin/sh\n[ \"$1\" = --version ] && echo '2.1.329 (Claude Code)'\n");
    EXPECT_EQ(read_version(program, {{"PATH", "/bin:/usr/bin"}}), "2.1.329");
}

TEST_F(Locate, AProgramThatFailsOrHangsHasNoVersion) {
    const auto failing = file("failing", "#!/bin/sh\nexit 3\n");
    EXPECT_FALSE(read_version(failing, {}));
    const auto hanging = file("hanging", "#!/bin/sh\nexec sleep 100\n");
    EXPECT_FALSE(read_version(hanging, {{"PATH", "/bin:/usr/bin"}}, std::chrono::milliseconds(50)));
    EXPECT_FALSE(read_version(root_ / "none", {}));
}

}  // namespace
}  // namespace agent::claude
