// The settings that a session was given, as a file for claude to read: on its command line everybody on the machine could
// read what may be secret. Blocks for as long as a small file takes.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "proto/error.hpp"

namespace agent::session {

// Writes state/settings/SESSION.json, 0600, and returns its path.
proto::result<std::filesystem::path> write_settings_file(const std::filesystem::path& state_directory,
                                                         const std::string& session_id, const nlohmann::json& settings);
// Of a session that is forgotten; it may have none.
void remove_settings_file(const std::filesystem::path& state_directory, const std::string& session_id);

}  // namespace agent::session
