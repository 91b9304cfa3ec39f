// What a caller chooses for a session beyond its directory, model and permission mode: one JSON object with the names of
// create_session's parameters, checked against its schema. How Claude Code 2.1.329 is told each of them, as measured: by
// its arguments, its environment, a settings file, or, where it may be long or secret, in `initialize`. Pure.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/claude/locate.hpp"

namespace agent::claude {

// The names of the options, without those that create_session keeps in members of their own (model, title and so on).
inline constexpr std::array<std::string_view, 26> option_names = {
    "tools",
    "disallowed_tools",
    "system_prompt",
    "append_system_prompt",
    "max_turns",
    "max_budget_usd",
    "effort",
    "thinking",
    "fallback_model",
    "betas",
    "output_format",
    "strict_mcp_config",
    "persist_session",
    "enable_file_checkpointing",
    // Those that the policy rules over.
    "additional_directories",
    "agent",
    "agents",
    "allowed_tools",
    "debug_file",
    "env",
    "executable",
    "mcp_servers",
    "plugins",
    "sandbox",
    "setting_sources",
    "settings",
};

// What the schema cannot say against them; a sentence that names the option.
std::optional<std::string> wrong_option(const nlohmann::json& options);

// False: what claude says and hears is gone with its process.
bool keeps_transcript(const nlohmann::json& options);

std::vector<std::string> option_arguments(const nlohmann::json& options);
variables option_variables(const nlohmann::json& options);
// What a file for --settings has to hold; null: there is no need of one.
nlohmann::json option_settings(const nlohmann::json& options);
// Members of the `initialize` request. The same again to a claude that runs changes nothing.
nlohmann::json option_members(const nlohmann::json& options);

}  // namespace agent::claude
