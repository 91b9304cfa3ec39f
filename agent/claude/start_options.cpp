#include "agent/claude/start_options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/claude/json_access.hpp"
#include "proto/limits.hpp"

namespace agent::claude {
namespace {

using nlohmann::json;

std::string joined(const json& list) {
    std::string out;
    for (const auto& each : list) out += (out.empty() ? "" : ",") + each.get<std::string>();
    return out;
}

// One argument or variable can hold neither a NUL nor, where claude reads a list out of it, a line's end.
bool has_control(const json& value) {
    if (value.is_array()) return std::ranges::any_of(value, has_control);
    if (!value.is_string()) return false;
    return std::ranges::any_of(value.get_ref<const std::string&>(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Claude and CodeZ find each other's files by the first two; the others are how the agent speaks with its own.
bool is_reserved(const std::string& variable) {
    return variable == "HOME" || variable == "CLAUDE_CONFIG_DIR" ||
           variable == "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS" || variable.starts_with("CODEZ_");
}

std::optional<std::string> wrong_variable(const json& env) {
    for (const auto& [name, value] : env.items()) {
        if (name.empty() || name.size() > 128 || name.contains('=') || has_control(json(name)))
            return "A name in `env` is not one of a variable.";
        if (is_reserved(name)) return fmt::format("The variable {} of `env` is CodeZ's own to set.", name);
        if (!value.is_string() || value.get_ref<const std::string&>().contains('\0'))
            return fmt::format("The variable {} of `env` must be a string.", name);
    }
    return std::nullopt;
}

std::string number_text(const json& number) {
    return number.is_number_float() ? fmt::format("{}", number.get<double>()) : number.dump();
}

}  // namespace

std::optional<std::string> wrong_option(const json& options) {
    if (options.dump(-1, ' ', false, json::error_handler_t::replace).size() > proto::limits::session_options_bytes_max)
        return fmt::format("The options of a session may have {} bytes together.",
                           proto::limits::session_options_bytes_max);
    for (const char* name : {"tools", "disallowed_tools", "allowed_tools", "fallback_model", "betas", "agent",
                             "additional_directories", "plugins", "debug_file", "executable"})
        if (const auto* value = member(options, name); value && has_control(*value))
            return fmt::format("`{}` must not contain control characters.", name);
    if (const auto* thinking = member(options, "thinking");
        thinking && member(*thinking, "budget_tokens") && text_of(*thinking, "type") != "enabled")
        return "`thinking.budget_tokens` goes with the type enabled.";
    for (const char* name : {"agents", "mcp_servers"})
        if (const auto* entries = member(options, name))
            for (const auto& [key, entry] : entries->items())
                if (!entry.is_object()) return fmt::format("`{}` must be an object of objects.", name);
    const auto* env = member(options, "env");
    return env ? wrong_variable(*env) : std::nullopt;
}

bool keeps_transcript(const json& options) {
    const auto* kept = member(options, "persist_session");
    return kept == nullptr || *kept != false;
}

std::vector<std::string> option_arguments(const json& options) {
    std::vector<std::string> out;
    const auto add = [&](const char* name, const char* flag, auto text) {
        if (const auto* value = member(options, name)) out.push_back(std::string(flag) + "=" + text(*value));
    };
    const auto plain = [](const json& value) { return value.get<std::string>(); };
    add("tools", "--tools", joined);
    add("disallowed_tools", "--disallowedTools", joined);
    add("allowed_tools", "--allowedTools", joined);
    add("max_turns", "--max-turns", number_text);
    add("max_budget_usd", "--max-budget-usd", number_text);
    add("effort", "--effort", plain);
    add("fallback_model", "--fallback-model", plain);
    add("betas", "--betas", joined);
    add("agent", "--agent", plain);
    add("debug_file", "--debug-file", plain);
    for (const auto& path : copy_of(options, "additional_directories", json::array()))
        out.push_back("--add-dir=" + plain(path));
    for (const auto& path : copy_of(options, "plugins", json::array())) out.push_back("--plugin-dir=" + plain(path));
    // Claude then waits for its servers in `initialize`: on the command line their secrets would be everybody's to read.
    if (member(options, "mcp_servers")) out.emplace_back("--await-initialize");
    if (const auto* thinking = member(options, "thinking")) {
        const auto* budget = member(*thinking, "budget_tokens");
        const auto type = text_of(*thinking, "type");
        if (budget)
            out.push_back("--max-thinking-tokens=" + number_text(*budget));
        else
            out.push_back("--thinking=" + std::string(type == "disabled" ? "disabled" : "adaptive"));
    }
    if (flag_of(options, "strict_mcp_config")) out.emplace_back("--strict-mcp-config");
    if (!keeps_transcript(options)) out.emplace_back("--no-session-persistence");
    return out;
}

variables option_variables(const json& options) {
    variables out;
    for (const auto& [name, value] : copy_of(options, "env", json::object()).items())
        out[name] = value.get<std::string>();
    if (flag_of(options, "enable_file_checkpointing")) out["CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING"] = "true";
    return out;
}

json option_settings(const json& options) {
    json out = copy_of(options, "settings");
    if (const auto* sandbox = member(options, "sandbox")) out["sandbox"] = *sandbox;
    return out;
}

json option_members(const json& options) {
    json out = json::object();
    if (const auto* text = member(options, "system_prompt")) out["systemPrompt"] = json::array({*text});
    if (const auto* text = member(options, "append_system_prompt")) out["appendSystemPrompt"] = *text;
    if (const auto* agents = member(options, "agents")) out["agents"] = *agents;
    if (const auto* servers = member(options, "mcp_servers")) out["mcpServers"] = *servers;
    if (const auto* format = member(options, "output_format")) out["jsonSchema"] = copy_of(*format, "schema");
    return out;
}

}  // namespace agent::claude
