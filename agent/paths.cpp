#include "agent/paths.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string_view>

extern char** environ;

namespace agent {

namespace fs = std::filesystem;

environment process_environment() {
    return [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') return std::nullopt;
        return value;
    };
}

std::map<std::string, std::string> whole_environment() {
    std::map<std::string, std::string> out;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        if (const auto eq = text.find('='); eq != std::string_view::npos)
            out.emplace(text.substr(0, eq), text.substr(eq + 1));
    }
    return out;
}

paths default_paths(const environment& env) {
    if (auto home = env("CODEZ_HOME")) return {fs::path(*home) / "config", fs::path(*home) / "state"};
    const auto user_home = env("HOME");
    const auto base = [&](const char* xdg, const char* fallback) -> fs::path {
        if (auto dir = env(xdg); dir && fs::path(*dir).is_absolute()) return *dir;
        if (!user_home)
            throw std::runtime_error("HOME is not set: set it, or CODEZ_HOME, to say where codez keeps its files.");
        return fs::path(*user_home) / fallback;
    };
    return {base("XDG_CONFIG_HOME", ".config") / "codez", base("XDG_STATE_HOME", ".local/state") / "codez"};
}

void make_private_directories(const paths& p) {
    for (const auto& dir : {p.config, p.state}) {
        fs::create_directories(dir);
        fs::permissions(dir, fs::perms::owner_all);
    }
}

}  // namespace agent
