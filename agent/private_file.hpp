// Files that only the agent's user may read, replaced as a whole: a crash leaves the old one or the new one.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace agent {

// Mode 0600, synced to the disk. The error is a sentence.
std::expected<void, std::string> save_private_file(const std::filesystem::path& file, std::string_view text);

}  // namespace agent
