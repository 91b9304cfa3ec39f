// The machine's rules about uses of tools: `tool_rules` of agent.toml. Immutable.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/policy/tool_rule.hpp"

namespace agent {

enum class rule_action { allow, ask, deny };

struct rule_verdict {
    rule_action action = rule_action::ask;
    std::string rule;  // its text
};

struct tool_rules {
    std::vector<tool_rule> deny;   // refused
    std::vector<tool_rule> ask;    // a person or client is asked, whatever else would allow it
    std::vector<tool_rule> allow;  // needs nobody's answer
    std::vector<tool_rule> audit;  // decides nothing: every use is told

    // Deny wins over ask, ask over allow. Nothing: no rule is about it.
    std::optional<rule_verdict> decide(const tool_use& use) const;
    // The first rule that wants the use told; empty: none.
    std::string audited_by(const tool_use& use) const;
    // {"permissions": {…}}: what claude itself is to refuse and to ask for, also where its mode would not ask. Empty: nothing.
    std::string claude_settings() const;
};

}  // namespace agent
