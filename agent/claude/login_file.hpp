// claude.env: variables for claude alone, so that the agent as a service can have Claude's login (CLAUDE_CODE_OAUTH_TOKEN,
// ANTHROPIC_API_KEY) without it standing in a unit file or in a process list. Read at each start of claude. Its content
// appears in no error. Blocking, one small file.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "agent/claude/locate.hpp"

namespace agent::claude {

// Lines NAME=value, # comments. No file: no variables. One that others may read, or that is not ours, is an error: a
// sentence that says what to do.
std::expected<variables, std::string> read_login_file(const std::filesystem::path& file);

}  // namespace agent::claude
