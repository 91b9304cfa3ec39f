// The end of what claude wrote to stderr: 16 KiB in memory for the exit status, 64 to 128 KiB on disk (two files in
// turn) for a person. Owned by the holder, its one thread. A disk that does not take it costs the file's copy only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/hold/descriptor.hpp"

namespace agent::hold {

class stderr_tail {
public:
    explicit stderr_tail(int directory) : directory_(directory) {}

    void append(std::string_view bytes);
    std::string text() const;

private:
    int directory_;
    descriptor file_;
    std::size_t file_bytes_ = 0;
    std::string tail_;
};

}  // namespace agent::hold
