// Where the agent keeps its files. Plain values, decided once in main.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace agent {

struct paths {
    std::filesystem::path config;  // agent.toml, machine.key, link.json, claude.env, keys.json
    std::filesystem::path state;   // log.db, holders/, locks/

    std::filesystem::path policy_file() const { return config / "agent.toml"; }
    std::filesystem::path machine_key() const { return config / "machine.key"; }
    std::filesystem::path claude_login() const { return config / "claude.env"; }
    std::filesystem::path api_keys() const { return config / "keys.json"; }
    std::filesystem::path link_file() const { return config / "link.json"; }
};

using environment = std::function<std::optional<std::string>(const char* name)>;
environment process_environment();
// All of it.
std::map<std::string, std::string> whole_environment();

// $CODEZ_HOME/{config,state} if set, else the XDG directories' codez/ (basedir-spec). Throws std::runtime_error with a
// sentence if there is no home directory.
paths default_paths(const environment& env);

// Makes the directories, each 0700.
void make_private_directories(const paths& p);

}  // namespace agent
