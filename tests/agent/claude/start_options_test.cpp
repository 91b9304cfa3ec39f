#include "agent/claude/start_options.hpp"

#include <gtest/gtest.h>

#include "agent/claude/launch.hpp"
#include "proto/limits.hpp"

namespace agent::claude {
namespace {

using nlohmann::json;
using arguments_list = std::vector<std::string>;

struct told {
    json options;
    arguments_list arguments{};
    json members = json::object();
    variables environment{};
};

TEST(StartOptions, EachIsToldToClaudeInItsWay) {
    const json schema{{"type", "object"}};
    const std::vector<told> table = {
        {{{"tools", {"Bash", "Read"}}}, {"--tools=Bash,Read"}},
        {{{"tools", json::array()}}, {"--tools="}},
        {{{"disallowed_tools", {"WebFetch", "Bash(rm *)"}}}, {"--disallowedTools=WebFetch,Bash(rm *)"}},
        {{{"max_turns", 3}}, {"--max-turns=3"}},
        {{{"max_turns", 3.0}}, {"--max-turns=3"}},
        {{{"max_budget_usd", 1.5}}, {"--max-budget-usd=1.5"}},
        {{{"effort", "high"}}, {"--effort=high"}},
        {{{"thinking", {{"type", "disabled"}}}}, {"--thinking=disabled"}},
        {{{"thinking", {{"type", "adaptive"}}}}, {"--thinking=adaptive"}},
        {{{"thinking", {{"type", "enabled"}}}}, {"--thinking=adaptive"}},
        {{{"thinking", {{"type", "enabled"}, {"budget_tokens", 2000}}}}, {"--max-thinking-tokens=2000"}},
        {{{"fallback_model", "haiku,sonnet"}}, {"--fallback-model=haiku,sonnet"}},
        {{{"betas", {"a-1", "b-2"}}}, {"--betas=a-1,b-2"}},
        {{{"strict_mcp_config", true}}, {"--strict-mcp-config"}},
        {{{"strict_mcp_config", false}}},
        {{{"persist_session", false}}, {"--no-session-persistence"}},
        {{{"persist_session", true}}},
        {{{"system_prompt", "You are S."}}, {}, {{"systemPrompt", {"You are S."}}}},
        {{{"append_system_prompt", "And A."}}, {}, {{"appendSystemPrompt", "And A."}}},
        {{{"output_format", {{"type", "json_schema"}, {"schema", schema}}}}, {}, {{"jsonSchema", schema}}},
        {{{"enable_file_checkpointing", true}},
         {},
         json::object(),
         {{"CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING", "true"}}},
        {{{"allowed_tools", {"Read", "Bash(git *)"}}}, {"--allowedTools=Read,Bash(git *)"}},
        {{{"agent", "reviewer"}}, {"--agent=reviewer"}},
        {{{"agents", {{"r", json::object()}}}}, {}, {{"agents", {{"r", json::object()}}}}},
        {{{"mcp_servers", {{"m", {{"url", "http://x"}}}}}},
         {"--await-initialize"},
         {{"mcpServers", {{"m", {{"url", "http://x"}}}}}}},
        {{{"additional_directories", {"/a", "/b"}}}, {"--add-dir=/a", "--add-dir=/b"}},
        {{{"plugins", {"/p"}}}, {"--plugin-dir=/p"}},
        {{{"env", {{"TZ", "UTC"}}}}, {}, json::object(), {{"TZ", "UTC"}}},
        {{{"debug_file", "/d/log"}}, {"--debug-file=/d/log"}},
        {json::object()},
    };
    for (const auto& row : table) {
        EXPECT_EQ(option_arguments(row.options), row.arguments) << row.options;
        EXPECT_EQ(option_members(row.options), row.members) << row.options;
        EXPECT_EQ(option_variables(row.options), row.environment) << row.options;
        EXPECT_FALSE(wrong_option(row.options)) << row.options;
    }
}

TEST(StartOptions, SettingsAndSandboxShareAFile) {
    EXPECT_TRUE(option_settings(json::object()).is_null());
    EXPECT_EQ(option_settings({{"settings", {{"model", "x"}}}}), json({{"model", "x"}}));
    EXPECT_EQ(option_settings({{"sandbox", {{"enabled", true}}}}), json({{"sandbox", {{"enabled", true}}}}));
    const json both{{"settings", {{"model", "x"}, {"sandbox", 1}}}, {"sandbox", {{"enabled", true}}}};
    EXPECT_EQ(option_settings(both), json({{"model", "x"}, {"sandbox", {{"enabled", true}}}}));
    launch what;
    what.settings_file = "/s/1.json";
    const auto list = claude::arguments(what);
    EXPECT_NE(std::find(list.begin(), list.end(), "--settings=/s/1.json"), list.end());
}

TEST(StartOptions, WhatNoArgumentCanHoldIsNamed) {
    const std::vector<std::pair<json, std::string>> table = {
        {{{"disallowed_tools", {"Bash", "a\nb"}}}, "disallowed_tools"},
        {{{"disallowed_tools", {std::string("a\0b", 3)}}}, "disallowed_tools"},
        {{{"env", {{"A=B", "x"}}}}, "env"},
        {{{"env", {{"", "x"}}}}, "env"},
        {{{"env", {{"A", 1}}}}, "variable A"},
        {{{"env", {{"A", std::string("a\0b", 3)}}}}, "variable A"},
        {{{"env", {{"HOME", "/x"}}}}, "HOME"},
        {{{"env", {{"CODEZ_DEPTH", "0"}}}}, "CODEZ_DEPTH"},
        {{{"agents", {{"r", "x"}}}}, "agents"},
        {{{"mcp_servers", {{"m", 1}}}}, "mcp_servers"},
        {{{"debug_file", "/a\nb"}}, "debug_file"},
        {{{"thinking", {{"type", "disabled"}, {"budget_tokens", 5}}}}, "thinking.budget_tokens"},
        {{{"system_prompt", std::string(proto::limits::session_options_bytes_max, 'x')}}, "bytes together"},
    };
    for (const auto& [options, named] : table) {
        const auto wrong = wrong_option(options);
        ASSERT_TRUE(wrong) << options;
        EXPECT_NE(wrong->find(named), std::string::npos) << *wrong;
    }
}

TEST(StartOptions, AreAmongWhatClaudeIsStartedWith) {
    launch what;
    what.program = "/opt/claude";
    what.session_id = "bbbbbbbb-0000-4000-8000-000000000001";
    what.options = {{"effort", "low"}, {"enable_file_checkpointing", true}};
    const auto list = claude::arguments(what);
    EXPECT_NE(std::find(list.begin(), list.end(), "--effort=low"), list.end());
    EXPECT_EQ(environment(what, {}).at("CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING"), "true");
}

}  // namespace
}  // namespace agent::claude
