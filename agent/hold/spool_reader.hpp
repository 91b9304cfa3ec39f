// Cuts the complete lines out of a holder's spool. Reads the segment files itself; owned by a client, its thread.
// Files of the local disk that were just written, so that reads come from the page cache.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "agent/hold/client.hpp"
#include "agent/hold/descriptor.hpp"

namespace agent::hold {

// Longer than claude's longest message by far (a tool result with images has some MB); less than the spool takes.
inline constexpr std::size_t stdout_line_bytes_max = 64u << 20;

class spool_reader {
public:
    spool_reader(int directory, std::uint64_t offset) : directory_(directory), line_start_(offset), read_to_(offset) {}

    // The next complete line in what was read.
    std::optional<line> next();
    // Reads one piece, not past `end`. False: nothing there (yet). The error is a sentence, and final: the spool no
    // longer has the offset, or a line is too long.
    std::expected<bool, std::string> fill(std::uint64_t end);

    std::uint64_t read_to() const { return read_to_; }

private:
    bool open_segment();

    int directory_;
    descriptor segment_;
    std::uint64_t segment_start_ = 0;
    std::uint64_t line_start_;  // of buffer_[taken_]
    std::uint64_t read_to_;
    std::string buffer_;
    std::size_t taken_ = 0;
    std::size_t searched_ = 0;  // no newline before here
};

}  // namespace agent::hold
