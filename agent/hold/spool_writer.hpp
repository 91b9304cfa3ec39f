// Keeps claude's stdout on the disk until the agent has stored it: a stream of bytes in segments that are allocated
// before a byte is taken. Owned by the holder, its one thread. When the disk does not take it, bytes stay in memory (at
// most one read's worth) and trouble() says why; call retry() until it is empty. Nothing is ever dropped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/hold/descriptor.hpp"

namespace agent::hold {

class spool_writer {
public:
    spool_writer(int directory, std::uint64_t segment_bytes, std::uint64_t bytes_max)
        : directory_(directory), segment_bytes_(segment_bytes), bytes_max_(bytes_max) {}

    // How many bytes may be given to append() now. Allocates a segment when there is need; 0 in trouble or when too
    // much is unacknowledged.
    std::uint64_t room();
    // Takes all of the bytes, never more than room().
    void append(std::string_view bytes);
    // Tries again what failed.
    void retry();
    // Deletes the segments that end before the offset. Offsets beyond the end are taken as the end.
    void acknowledge(std::uint64_t offset);

    std::uint64_t first_offset() const { return first_segment_; }  // of what is still there
    std::uint64_t end_offset() const { return end_; }              // of what is in files
    bool holds_bytes() const { return !pending_.empty(); }
    // Empty when well, else a sentence.
    std::string trouble() const;

private:
    bool allocate();
    void flush();

    int directory_;
    std::uint64_t segment_bytes_;
    std::uint64_t bytes_max_;
    descriptor segment_;
    std::uint64_t first_segment_ = 0;
    std::uint64_t segment_start_ = 0;
    std::uint64_t end_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::string pending_;
    int error_ = 0;
};

}  // namespace agent::hold
