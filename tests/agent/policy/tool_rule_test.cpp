#include "agent/policy/tool_rule.hpp"

#include <filesystem>

#include <stdlib.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using agent::tool_rule;
using nlohmann::json;
namespace fs = std::filesystem;

bool permits(const std::string& rule, const std::string& tool, const json& input, const fs::path& cwd = "/work") {
    return tool_rule::parse(rule).value().permits({tool, input, cwd});
}
bool concerns(const std::string& rule, const std::string& tool, const json& input, const fs::path& cwd = "/work") {
    return tool_rule::parse(rule).value().concerns({tool, input, cwd});
}
bool runs(const std::string& rule, const std::string& command) { return permits(rule, "Bash", {{"command", command}}); }
bool catches(const std::string& rule, const std::string& command) {
    return concerns(rule, "Bash", {{"command", command}});
}

TEST(ToolRule, ANameStandsForEveryUse) {
    EXPECT_TRUE(permits("Write", "Write", {}));
    EXPECT_FALSE(permits("Write", "WriteAll", {}));
    EXPECT_TRUE(permits("mcp__github__*", "mcp__github__list", {}));
    EXPECT_FALSE(permits("mcp__github__*", "mcp__gitlab__list", {}));
}

TEST(ToolRule, ACommandIsPermittedWhenItIsCertainlyThat) {
    EXPECT_TRUE(runs("Bash(npm test)", "npm test"));
    EXPECT_FALSE(runs("Bash(npm test)", "npm test x"));
    EXPECT_TRUE(runs("Bash(npm view *)", "npm view foo"));
    EXPECT_TRUE(runs("Bash(npm view *)", "npm view"));
    EXPECT_TRUE(runs("Bash(npm view:*)", "npm view foo"));
    EXPECT_FALSE(runs("Bash(npm view *)", "npm viewer"));
    for (const char* more : {"; rm -rf x", " && rm x", " | sh", " > /etc/passwd", " $(rm x)", " `rm x`", "\nrm x",
                             " ${x}", " <(rm x)", " & rm x", "\\\nrm x"})
        EXPECT_FALSE(runs("Bash(npm view *)", std::string("npm view foo") + more)) << more;
    EXPECT_TRUE(runs("Bash(a && b)", "a && b")) << "what the rule itself says may be there";
    EXPECT_FALSE(runs("Bash(npm view *)", ""));
    EXPECT_FALSE(permits("Bash(npm *)", "Bash", {{"command", 7}}));
    EXPECT_FALSE(permits("Bash(npm *)", "Write", {{"command", "npm x"}}));
}

TEST(ToolRule, AnEscapedPatternStandsForItself) {
    const std::string command = R"(rm *.o \ x)";
    EXPECT_TRUE(runs("Bash(" + agent::escaped_pattern(command) + ")", command));
    EXPECT_FALSE(runs("Bash(" + agent::escaped_pattern("rm *.o") + ")", "rm all.o"));
}

TEST(ToolRule, ACommandIsConcernedAlsoAmongOthers) {
    for (const char* command : {"git push", "git push origin", "cd x && git push", "a; git push -f", "echo $(git push)",
                                "true | git push", "x\ngit push", "(git push)"})
        EXPECT_TRUE(catches("Bash(git push *)", command)) << command;
    EXPECT_FALSE(catches("Bash(git push *)", "git pull"));
    EXPECT_FALSE(catches("Bash(git push *)", ""));
}

TEST(ToolRule, PathsAreMeantFromTheSessionsDirectory) {
    const auto may = [](const std::string& rule, const std::string& path) {
        return permits(rule, "Edit", {{"file_path", path}});
    };
    EXPECT_TRUE(may("Edit(src/**)", "/work/src/a/b.c"));
    EXPECT_TRUE(may("Edit(src/**)", "src/a.c"));
    EXPECT_FALSE(may("Edit(src/**)", "/work/src/../secret"));
    EXPECT_FALSE(may("Edit(src/**)", "/other/src/a.c"));
    EXPECT_TRUE(may("Edit(src/*.c)", "src/a.c"));
    EXPECT_FALSE(may("Edit(src/*.c)", "src/a/b.c"));
    EXPECT_TRUE(may("Edit(/etc/hosts)", "/etc/hosts"));
    EXPECT_FALSE(may("Edit(src/**)", ""));
    EXPECT_TRUE(permits("NotebookEdit(**)", "NotebookEdit", {{"notebook_path", "x.ipynb"}}));
    EXPECT_TRUE(concerns("Read(/etc/**)", "Read", {{"file_path", "../etc/passwd"}}));
}

TEST(ToolRule, ALinkOutOfThePathIsNotPermittedAndIsConcerned) {
    std::string made = (fs::temp_directory_path() / "codez-rule-XXXXXX").string();
    const fs::path dir = fs::canonical(::mkdtemp(made.data()));
    fs::create_directories(dir / "work/src");
    fs::create_directories(dir / "secret");
    fs::create_symlink(dir / "secret", dir / "work/src/link");
    const json input{{"file_path", "src/link/key"}};
    EXPECT_FALSE(permits("Write(src/**)", "Write", input, dir / "work"));
    EXPECT_TRUE(concerns("Write(" + (dir / "secret").string() + "/**)", "Write", input, dir / "work"));
    fs::remove_all(dir);
}

TEST(ToolRule, ADomainIsTheWholeHost) {
    const auto may = [](const std::string& url) {
        return permits("WebFetch(domain:example.com)", "WebFetch", {{"url", url}});
    };
    EXPECT_TRUE(may("https://example.com/x"));
    EXPECT_TRUE(may("https://EXAMPLE.com:443"));
    for (const char* url : {"https://evil.com/example.com", "https://example.com.evil.com",
                            "https://example.com@evil.com", "https://evil.com\\@example.com", "example.com", ""})
        EXPECT_FALSE(may(url)) << url;
}

TEST(ToolRule, WhatIsNoRuleIsRefusedWithAReason) {
    for (const char* text : {"", "(x)", "Bash(", "Bash()", "Bash(x", "Agent(x)", "mcp__a__b(x)",
                             "WebFetch(example.com)", "Edit(~/x)", "Ba sh", "Bash(x) y"}) {
        const auto parsed = tool_rule::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_NE(parsed.error().find("the rule"), std::string::npos);
    }
    EXPECT_FALSE(tool_rule::parse("Bash(" + std::string(5000, 'x') + ")"));
}

TEST(ToolRule, ClaudeReadsAbsolutePathsInItsOwnSpelling) {
    EXPECT_EQ(tool_rule::parse("Read(/etc/**)")->for_claude(), "Read(//etc/**)");
    EXPECT_EQ(tool_rule::parse("Read(src/**)")->for_claude(), "Read(src/**)");
    EXPECT_EQ(tool_rule::parse("Bash(/bin/ls *)")->for_claude(), "Bash(/bin/ls *)");
}

TEST(ToolRule, TimeIsBoundedForHostilePatterns) {
    std::string pattern = "Bash(";
    for (int i = 0; i < 1000; ++i) pattern += "a*";
    EXPECT_FALSE(runs(pattern + "b)", std::string(100'000, 'a')));
}

}  // namespace
