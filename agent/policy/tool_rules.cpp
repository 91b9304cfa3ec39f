#include "agent/policy/tool_rules.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace agent {

std::optional<rule_verdict> tool_rules::decide(const tool_use& use) const {
    const auto concerns = [&](const tool_rule& rule) { return rule.concerns(use); };
    if (const auto found = std::ranges::find_if(deny, concerns); found != deny.end())
        return rule_verdict{rule_action::deny, found->text()};
    if (const auto found = std::ranges::find_if(ask, concerns); found != ask.end())
        return rule_verdict{rule_action::ask, found->text()};
    const auto permits = [&](const tool_rule& rule) { return rule.permits(use); };
    if (const auto found = std::ranges::find_if(allow, permits); found != allow.end())
        return rule_verdict{rule_action::allow, found->text()};
    return std::nullopt;
}

std::string tool_rules::audited_by(const tool_use& use) const {
    const auto concerns = [&](const tool_rule& rule) { return rule.concerns(use); };
    const auto found = std::ranges::find_if(audit, concerns);
    return found == audit.end() ? std::string() : found->text();
}

std::string tool_rules::claude_settings() const {
    if (deny.empty() && ask.empty()) return {};
    nlohmann::json permissions = nlohmann::json::object();
    for (const auto& rule : deny) permissions["deny"].push_back(rule.for_claude());
    for (const auto& rule : ask) permissions["ask"].push_back(rule.for_claude());
    return nlohmann::json{{"permissions", std::move(permissions)}}.dump();
}

}  // namespace agent
