// Files that only the agent's user may read, replaced as a whole: a crash leaves the old one or the new one.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace agent {

// Mode 0600, synced to the disk. The error is a sentence.
std::expected<void, std::string> save_private_file(const std::filesystem::path& file, std::string_view text);

// So many random bytes that are made once and kept in the file. Throws std::runtime_error with a sentence.
std::string load_or_make_key(const std::filesystem::path& file, std::size_t bytes);

}  // namespace agent
