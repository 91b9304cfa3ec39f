#include "agent/policy/option_rules.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

namespace agent {

std::expected<option_rules, std::string> option_rules::make(const std::vector<std::string>& session_options,
                                                            const std::vector<std::string>& session_env,
                                                            const std::vector<std::string>& session_executables) {
    for (const auto& name : session_options)
        if (std::ranges::find(ruled, name) == ruled.end())
            return std::unexpected(
                fmt::format("`session_options` may name {}, not \"{}\".", fmt::join(ruled, ", "), name));
    for (const auto& name : session_env)
        if (name.contains('='))
            return std::unexpected(
                fmt::format("`session_env` must be a list of names of variables; \"{}\" is none.", name));
    for (const auto& path : session_executables)
        if (!std::filesystem::path(path).is_absolute())
            return std::unexpected(
                fmt::format("`session_executables` must be a list of absolute paths; {} is none.", path));
    option_rules out;
    out.options_.insert(session_options.begin(), session_options.end());
    out.variables_.insert(session_env.begin(), session_env.end());
    out.executables_.insert(session_executables.begin(), session_executables.end());
    return out;
}

std::optional<option_rules::refusal> option_rules::refused(const nlohmann::json& options) const {
    for (const auto name : ruled)
        if (options.contains(name) && !options_.contains(name))
            return refusal{
                "session_options", fmt::format("`{}` is closed to calls from afar.", name),
                fmt::format("Leave it out; or, on the machine, add \"{}\" to `session_options` in that file and "
                            "restart codez agent.",
                            name)};
    if (const auto env = options.find("env"); env != options.end())
        for (const auto& [name, value] : env->items())
            if (!variables_.contains(name))
                return refusal{
                    "session_env",
                    fmt::format("The variable {} of `env` is closed to calls from afar.", name.substr(0, 64)),
                    "Leave it out; or, on the machine, add its name to `session_env` in that file and restart "
                    "codez agent."};
    if (const auto program = options.find("executable");
        program != options.end() && !executables_.contains(program->get_ref<const std::string&>()))
        return refusal{
            "session_executables", "This `executable` is closed to calls from afar.",
            "Leave it out; or, on the machine, add its path to `session_executables` in that file and restart "
            "codez agent."};
    return std::nullopt;
}

}  // namespace agent
