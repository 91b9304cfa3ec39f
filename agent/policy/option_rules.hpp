// Which of create_session's options calls over the link may use: those that can start a program, add authority or reach a
// path are closed until agent.toml names them. Immutable; any thread.
#pragma once

#include <array>
#include <expected>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace agent {

class option_rules {
public:
    // What `session_options` may name. `env` and `executable` have lists of their own.
    static constexpr std::array<std::string_view, 10> ruled = {
        "additional_directories",
        "agent",
        "agents",
        "allowed_tools",
        "debug_file",
        "mcp_servers",
        "plugins",
        "sandbox",
        "setting_sources",
        "settings",
    };

    // As agent.toml has them; the error names the setting.
    static std::expected<option_rules, std::string> make(const std::vector<std::string>& session_options,
                                                         const std::vector<std::string>& session_env,
                                                         const std::vector<std::string>& session_executables);

    struct refusal {
        std::string rule, message, hint;
    };
    // The first option that is closed to calls over the link.
    std::optional<refusal> refused(const nlohmann::json& options) const;

private:
    std::set<std::string, std::less<>> options_, variables_, executables_;
};

}  // namespace agent
