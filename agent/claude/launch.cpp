#include "agent/claude/launch.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "agent/claude/start_options.hpp"

namespace agent::claude {
namespace {

// Of systemd's, meant for the agent alone, and of a claude in whose terminal the agent may have been started: that
// claude would take ours for a part of itself.
constexpr std::array not_inherited = {
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "CREDENTIALS_DIRECTORY",
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_AGENT_SDK_VERSION",
};

bool inherited(const std::string& name) {
    if (name.starts_with("CODEZ_")) return false;
    return std::find(not_inherited.begin(), not_inherited.end(), name) == not_inherited.end();
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) {
        if (!out.empty()) out += ',';
        out += name;
    }
    return out;
}

}  // namespace

std::vector<std::string> arguments(const launch& what) {
    std::vector<std::string> out = {
        what.program.string(), "-p", "--output-format=stream-json", "--input-format=stream-json", "--verbose",
        // Not in --help; without it every question becomes a denial.
        "--permission-prompt-tool=stdio",
        // Always: the default has changed between releases.
        "--permission-mode=" + what.permission_mode, "--setting-sources=" + joined(what.setting_sources)};
    if (!what.resume && !what.fork_of.empty()) {
        out.push_back("--resume=" + what.fork_of);
        out.emplace_back("--fork-session");
        out.push_back("--resume-session-at=" + what.fork_at);
    }
    out.push_back((what.resume ? "--resume=" : "--session-id=") + what.session_id);
    if (!what.model.empty()) out.push_back("--model=" + what.model);
    if (!what.settings.empty()) out.push_back("--settings=" + what.settings);
    if (what.include_partial_messages) out.emplace_back("--include-partial-messages");
    if (!what.settings_file.empty()) out.push_back("--settings=" + what.settings_file.string());
    std::ranges::move(option_arguments(what.options), std::back_inserter(out));
    // In a rule "//" begins an absolute path. claude adds this flag's rules to those of the options' own.
    if (!what.readable.empty()) out.push_back("--allowedTools=Read(/" + what.readable.string() + "/**)");
    return out;
}

variables environment(const launch& what, const variables& own) {
    variables out;
    for (const auto& [name, value] : own)
        if (inherited(name)) out.emplace(name, value);
    for (auto& [name, value] : option_variables(what.options)) out[name] = value;
    out["CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS"] = "1";
    out["CODEZ_SESSION_ID"] = what.session_id;
    out[depth_variable] = std::to_string(what.depth + 1);
    return out;
}

bool is_permission_mode(std::string_view mode) {
    static constexpr std::string_view known[] = {"default", "acceptEdits", "plan",
                                                 "dontAsk", "auto",        "bypassPermissions"};
    return std::find(std::begin(known), std::end(known), mode) != std::end(known);
}

}  // namespace agent::claude
