#include "agent/session/permission_decisions.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/claude/json_access.hpp"
#include "agent/session/permission_forms.hpp"

namespace agent::session {

using claude::copy_of;
using claude::text_of;
using json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 7> file_tools{"Read",         "Write", "Edit", "MultiEdit",
                                                     "NotebookEdit", "Glob",  "Grep"};

std::string rule_text(const std::string& tool, const std::string& pattern) { return tool + "(" + pattern + ")"; }

// Below the session's directory if the file is there, else below the file's own.
std::string directory_rule(const std::string& tool, const json& input, const fs::path& cwd) {
    std::string named;
    for (const char* name : {"file_path", "notebook_path", "path"})
        if (named.empty()) named = text_of(input, name);
    const fs::path path = (cwd / named).lexically_normal();
    const auto inside = path.lexically_relative(cwd);
    const bool below = !inside.empty() && *inside.begin() != "..";
    return rule_text(tool, escaped_pattern((below ? cwd : path.parent_path()).string()) + "/**");
}

}  // namespace

std::optional<permission_decision> decide_permission(const events::permission_row& asked, const fs::path& cwd,
                                                     const tool_rules& rules,
                                                     const std::vector<permission_grant>& grants) {
    const json input = json::parse(asked.input, nullptr, false);
    const tool_use use{asked.tool_name, input, cwd};
    permission_decision out;
    out.answer.session_id = asked.session_id;
    out.answer.request_id = asked.request_id;
    const auto verdict = rules.decide(use);
    if (verdict && verdict->action == rule_action::deny) {
        out.answer.message = "This machine's rule " + verdict->rule + " does not allow it.";
        out.by = {events::answerer_kind::rule, verdict->rule};
        return out;
    }
    if (needs_interaction(asked) || (verdict && verdict->action == rule_action::ask)) return std::nullopt;
    out.answer.behavior = permission_behavior::allow;
    for (const auto& grant : grants) {
        const auto rule = tool_rule::parse(grant.rule);
        if (!rule || !rule->permits(use)) continue;
        out.by = {events::answerer_kind::grant, grant.by};
        return out;
    }
    if (!verdict) return std::nullopt;
    out.by = {events::answerer_kind::rule, verdict->rule};
    return out;
}

proto::result<std::vector<std::string>> grants_for(const events::permission_row& asked, const fs::path& cwd) {
    const auto never = [](const char* why) {
        return proto::fail(proto::error_code::invalid_argument, why, "Allow it this once.");
    };
    if (needs_interaction(asked)) return never("Questions and plans are answered one by one, not for the session.");
    const std::string& tool = asked.tool_name;
    const json input = json::parse(asked.input, nullptr, false);
    const tool_use use{tool, input, cwd};
    std::vector<std::string> out;
    if (std::ranges::find(file_tools, tool) != file_tools.end()) {
        out.push_back(directory_rule(tool, input, cwd));
    } else {
        // What claude proposes for the time to come, as far as it is about this tool.
        for (const auto& suggestion : json::parse(asked.suggestions, nullptr, false)) {
            if (text_of(suggestion, "type") != "addRules" || text_of(suggestion, "behavior") != "allow") continue;
            for (const auto& rule : copy_of(suggestion, "rules", json::array())) {
                if (text_of(rule, "toolName") != tool) continue;
                const std::string content = text_of(rule, "ruleContent");
                out.push_back(content.empty() ? tool : rule_text(tool, content));
            }
        }
        const std::string command = text_of(input, "command");
        if (tool == "Bash" && command.empty()) return never("The command is too long to be allowed for the session.");
        if (tool == "Bash")
            out.push_back(rule_text(tool, escaped_pattern(command)));
        else if (out.empty())
            out.push_back(tool);
    }
    bool covered = false;
    std::vector<std::string> needed;
    for (const auto& text : out) {
        const auto rule = tool_rule::parse(text);
        if (!rule) continue;
        // The command itself only where claude's own proposal does not cover it.
        if (covered && &text == &out.back()) break;
        covered = covered || rule->permits(use);
        needed.push_back(text);
    }
    if (!covered) return never("No rule can say what this is, so it cannot be allowed for the session.");
    return needed;
}

}  // namespace agent::session
