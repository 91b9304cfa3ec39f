// Finds the Claude Code program: the configured path, then CLAUDE_BIN, then PATH, then where its installers put it. Of
// the npm package it takes the native program itself: bin/claude.exe may be a stub if install scripts were blocked
// (as of Claude Code 2.1.329). Stateless; looks at files only, read_version() runs the program.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>

#include "proto/error.hpp"

namespace agent::claude {

using variables = std::map<std::string, std::string>;

proto::result<std::filesystem::path> locate(const std::string& configured, const variables& environment);

// `claude --version`, e.g. "2.1.329". Blocks, as a rule for 20 ms.
proto::result<std::string> read_version(const std::filesystem::path& program, const variables& environment,
                                        std::chrono::milliseconds timeout = std::chrono::seconds(10));

}  // namespace agent::claude
