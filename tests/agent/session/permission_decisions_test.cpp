#include "agent/session/permission_decisions.hpp"

#include <gtest/gtest.h>

namespace agent::session {
namespace {

using json = nlohmann::json;
using names = std::vector<std::string>;

constexpr const char* cwd = "/work";

events::permission_row asked(const std::string& tool, const json& input, const json& suggestions = json::array()) {
    events::permission_row row;
    row.session_id = "s";
    row.request_id = "r";
    row.tool_name = tool;
    row.input = input.dump();
    row.suggestions = suggestions.dump();
    return row;
}

events::permission_row command(const std::string& text) { return asked("Bash", {{"command", text}}); }

std::vector<tool_rule> rules(const names& texts) {
    std::vector<tool_rule> out;
    for (const auto& text : texts) out.push_back(tool_rule::parse(text).value());
    return out;
}

std::vector<permission_grant> granted(const names& texts) {
    std::vector<permission_grant> out;
    for (const auto& text : texts) out.emplace_back("g1", text, "Ann", "person", 1);
    return out;
}

// "allow rule X", "deny rule X", "allow grant Ann", or "" where somebody must be asked.
std::string decided(const events::permission_row& row, const tool_rules& by, const names& grants = {}) {
    const auto decision = decide_permission(row, cwd, by, granted(grants));
    if (!decision) return {};
    const bool allow = decision->answer.behavior == permission_behavior::allow;
    return std::string(allow ? "allow " : "deny ") + std::string(events::to_string(decision->by.kind)) + " " +
           decision->by.name;
}

names granting(const events::permission_row& row) {
    const auto got = grants_for(row, cwd);
    return got ? *got : names{got.error().message};
}

TEST(PermissionDecisions, WithoutRulesSomebodyIsAsked) { EXPECT_EQ(decided(command("ls"), {}), ""); }

TEST(PermissionDecisions, DenyWinsOverAskOverGrantsOverAllow) {
    tool_rules by;
    by.allow = rules({"Bash(make *)"});
    EXPECT_EQ(decided(command("make all"), by), "allow rule Bash(make *)");
    EXPECT_EQ(decided(command("make all"), by, {"Bash(make all)"}), "allow grant Ann");
    by.ask = rules({"Bash(make install *)"});
    EXPECT_EQ(decided(command("make install"), by, {"Bash(make install)"}), "");
    by.deny = rules({"Bash(make install *)"});
    EXPECT_EQ(decided(command("true && make install"), by, {"Bash"}), "deny rule Bash(make install *)");
}

TEST(PermissionDecisions, AGrantCoversWhatItSaysAndNoMore) {
    EXPECT_EQ(decided(command("npm view x"), {}, {"Bash(npm view *)"}), "allow grant Ann");
    EXPECT_EQ(decided(command("npm view x; rm y"), {}, {"Bash(npm view *)"}), "");
    EXPECT_EQ(decided(command("ls"), {}, {"no rule ("}), "");
}

TEST(PermissionDecisions, QuestionsAndPlansWaitForSomebodyUnlessDenied) {
    tool_rules by;
    by.allow = rules({"*"});
    for (const char* tool : {"AskUserQuestion", "ExitPlanMode"}) {
        EXPECT_EQ(decided(asked(tool, json::object()), by, {tool}), "") << tool;
        EXPECT_FALSE(grants_for(asked(tool, json::object()), cwd)) << tool;
    }
    by.deny = rules({"AskUserQuestion"});
    EXPECT_EQ(decided(asked("AskUserQuestion", json::object()), by), "deny rule AskUserQuestion");
}

TEST(PermissionDecisions, ForTheSessionMeansWhatClaudeProposesElseTheCommandItself) {
    const auto proposing = [](const std::string& text, const std::string& rule) {
        const json suggestion = {
            {"type", "addRules"}, {"behavior", "allow"}, {"rules", {{{"toolName", "Bash"}, {"ruleContent", rule}}}}};
        return asked("Bash", {{"command", text}}, json::array({suggestion}));
    };
    EXPECT_EQ(granting(proposing("npm view x", "npm view *")), names{"Bash(npm view *)"});
    EXPECT_EQ(granting(proposing("npm view x && ls", "npm view *")),
              (names{"Bash(npm view *)", "Bash(npm view x && ls)"}));
    EXPECT_EQ(granting(command("rm *.o")), names{"Bash(rm \\*.o)"});
    EXPECT_EQ(granting(asked("mcp__a__b", {{"x", 1}})), names{"mcp__a__b"});
    EXPECT_FALSE(grants_for(asked("Bash", {{"truncated", true}}), cwd));
}

TEST(PermissionDecisions, AFileForTheSessionMeansItsDirectory) {
    EXPECT_EQ(granting(asked("Write", {{"file_path", "/work/src/a.c"}})), names{"Write(/work/**)"});
    EXPECT_EQ(granting(asked("Edit", {{"file_path", "/elsewhere/b/c.c"}})), names{"Edit(/elsewhere/b/**)"});
    EXPECT_EQ(granting(asked("Edit", {{"file_path", "/work/../elsewhere/c.c"}})), names{"Edit(/elsewhere/**)"});
    EXPECT_EQ(decided(asked("Write", {{"file_path", "/work/x"}}), {}, {"Write(/work/**)"}), "allow grant Ann");
    EXPECT_EQ(decided(asked("Write", {{"file_path", "/work/../x"}}), {}, {"Write(/work/**)"}), "");
}

}  // namespace
}  // namespace agent::session
