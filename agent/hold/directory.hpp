// A holder's own directory: its files' names, how to open it safely and how to reach its socket.
// Functions over a directory descriptor, so that a path that is renamed or too long for a socket does not matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/un.h>

#include "agent/hold/descriptor.hpp"

namespace agent::hold {

inline constexpr const char* socket_name = "hold.sock";
inline constexpr const char* exit_name = "exit.json";
inline constexpr const char* exit_temporary_name = "exit.json.new";
inline constexpr const char* stderr_name = "stderr.log";
inline constexpr const char* stderr_old_name = "stderr.old";

// "spool-" and the offset of the segment's first byte in 16 hexadecimal digits.
std::string segment_name(std::uint64_t start);
std::optional<std::uint64_t> segment_start(std::string_view name);
// The starts of the segments in the directory, ascending.
std::vector<std::uint64_t> list_segments(int directory);

// Makes the directory 0700 where it does not exist; refuses one that another user owns. The error is a sentence.
std::expected<descriptor, std::string> make_directory(const std::filesystem::path& path);
// An existing one. The error is an errno.
std::expected<descriptor, int> open_directory(const std::filesystem::path& path);

// Deletes what holders put there and nothing else.
void remove_own_files(int directory);

// The socket's address through /proc/self/fd: a sun_path takes only 108 bytes, a state directory may be deeper. Holds
// for as long as the descriptor is open.
sockaddr_un socket_address(int directory);

// The file's bytes, at most `limit`; nullopt when there is none.
std::optional<std::string> read_small_file(int directory, const char* name, std::size_t limit);
// Complete and on the disk, or not there at all. The result is 0 or an errno.
int replace_file_durably(int directory, const char* name, const char* temporary, std::string_view content);

// What an errno of the file system means for the person who can do something about it.
std::string describe_disk_error(int error);

}  // namespace agent::hold
