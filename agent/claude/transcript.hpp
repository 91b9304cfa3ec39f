// Where claude keeps a session's conversation on disk, and what the engine asks of it. Read only;
// blocking, at most some tens of milliseconds.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "agent/claude/locate.hpp"

namespace agent::claude {

// How claude names a project's directory. `cwd` must be resolved; not invertible.
std::string project_slug(std::string_view cwd);

// $CLAUDE_CONFIG_DIR, else ~/.claude.
std::filesystem::path config_directory(const variables& environment);

// The transcript of a session, first under its cwd's project, then under the others: it stays where it began.
std::optional<std::filesystem::path> find_transcript(const variables& environment, std::string_view cwd,
                                                     const std::string& session_id);

// Does a record near its end have this uuid? A prompt that claude has taken does.
bool transcript_has(const std::filesystem::path& transcript, const std::string& uuid);

}  // namespace agent::claude
