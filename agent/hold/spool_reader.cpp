#include "agent/hold/spool_reader.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "agent/hold/directory.hpp"

namespace agent::hold {
namespace {

constexpr std::size_t piece_bytes = 64u << 10;

}  // namespace

std::optional<line> spool_reader::next() {
    const auto newline = buffer_.find('\n', searched_);
    if (newline == std::string::npos) {
        searched_ = buffer_.size();
        return std::nullopt;
    }
    line found;
    found.text = buffer_.substr(taken_, newline - taken_);
    line_start_ += found.text.size() + 1;
    found.end_offset = line_start_;
    taken_ = searched_ = newline + 1;
    return found;
}

std::expected<bool, std::string> spool_reader::fill(std::uint64_t end) {
    if (read_to_ >= end) return false;
    if (!segment_ && !open_segment()) {
        const auto starts = list_segments(directory_);
        if (starts.empty() || starts.front() <= read_to_) return false;
        return std::unexpected("The spool no longer has the position that was asked for.");
    }
    buffer_.erase(0, taken_);
    searched_ -= std::exchange(taken_, 0);
    if (buffer_.empty() && buffer_.capacity() > (1u << 20)) std::string().swap(buffer_);
    if (buffer_.size() >= stdout_line_bytes_max) return std::unexpected("claude printed a line of more than 64 MiB.");

    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, end - read_to_));
    const auto size = buffer_.size();
    buffer_.resize(size + wanted);
    ssize_t n = 0;
    do n = ::pread(segment_.get(), buffer_.data() + size, wanted, static_cast<off_t>(read_to_ - segment_start_));
    while (n < 0 && errno == EINTR);
    buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n < 0) return std::unexpected("The spool cannot be read. " + describe_disk_error(errno));
    read_to_ += static_cast<std::uint64_t>(n);
    if (n > 0) return true;
    // The end of this segment. It is whole if the next one begins right there.
    if (read_to_ == segment_start_) return false;
    segment_.reset();
    return open_segment() && segment_start_ == read_to_ ? fill(end) : false;
}

bool spool_reader::open_segment() {
    const auto starts = list_segments(directory_);
    const auto after = std::ranges::upper_bound(starts, read_to_);
    if (after == starts.begin()) return false;
    segment_start_ = *std::prev(after);
    segment_ =
        descriptor(::openat(directory_, segment_name(segment_start_).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    return static_cast<bool>(segment_);
}

}  // namespace agent::hold
