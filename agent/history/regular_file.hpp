// Reading files that others write, bounded: regular files only, never through a symlink at the end of the path, never
// waiting (a pipe in their place is not opened for good). Blocking; a plain handle for one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace agent::history {

class regular_file {
public:
    static std::optional<regular_file> open(const std::filesystem::path& path);
    ~regular_file();
    regular_file(regular_file&& other) noexcept;
    regular_file& operator=(regular_file&& other) noexcept;

    std::int64_t size() const { return size_; }                // when it was opened
    std::int64_t modified_at() const { return modified_at_; }  // Unix ms

    // As many as there are, at most `count`.
    std::string read(std::int64_t offset, std::size_t count) const;

    // Calls `see` with each complete line that lies wholly in [begin, end), without its newline; a line that began
    // before `begin` is left out, one beyond `line_bytes_max` too. Returns the offset after the last complete line.
    std::int64_t each_line(std::int64_t begin, std::int64_t end, std::size_t line_bytes_max,
                           const std::function<void(std::string_view)>& see) const;

private:
    regular_file(int descriptor, std::int64_t size, std::int64_t modified_at)
        : descriptor_(descriptor), size_(size), modified_at_(modified_at) {}

    int descriptor_ = -1;
    std::int64_t size_ = 0;
    std::int64_t modified_at_ = 0;
};

}  // namespace agent::history
