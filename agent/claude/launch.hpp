// How claude is started: its arguments and its environment, as measured with Claude Code 2.1.329. Pure.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/claude/locate.hpp"

namespace agent::claude {

struct launch {
    std::filesystem::path program;
    std::string session_id;  // a UUID
    bool resume = false;     // go on with the session's transcript; else begin one under this id
    // Instead, if not empty: begin with a copy of that session's conversation, up to this answer of it.
    std::string fork_of;
    std::string fork_at;
    std::string model;  // empty: claude's default
    std::string permission_mode = "default";
    bool include_partial_messages = false;
    std::vector<std::string> setting_sources = {"user", "project", "local"};
    std::filesystem::path settings_file;                // empty: none
    nlohmann::json options = nlohmann::json::object();  // of start_options.hpp
    std::filesystem::path readable;                     // a directory that it may read without asking; empty: none
    int depth = 0;                                      // how many sessions this one was started through
    std::string settings;                               // one JSON object, above all files of settings; empty: none
};

std::vector<std::string> arguments(const launch& what);

// The agent's own environment without what is ours (CODEZ_*), its supervisor's or an outer claude's.
variables environment(const launch& what, const variables& own);

// How many sessions the program with this environment runs in.
inline constexpr const char* depth_variable = "CODEZ_DEPTH";

bool is_permission_mode(std::string_view mode);

}  // namespace agent::claude
