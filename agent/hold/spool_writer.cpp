#include "agent/hold/spool_writer.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "agent/hold/directory.hpp"

namespace agent::hold {

std::uint64_t spool_writer::room() {
    if (error_ != 0 || !pending_.empty()) return 0;
    const auto unacknowledged = end_ - acknowledged_;
    if (unacknowledged >= bytes_max_) return 0;
    if (!segment_ && !allocate()) return 0;
    return std::min(segment_start_ + segment_bytes_ - end_, bytes_max_ - unacknowledged);
}

void spool_writer::append(std::string_view bytes) {
    assert(pending_.empty());
    pending_ = bytes;
    flush();
}

void spool_writer::retry() {
    error_ = 0;
    if (!pending_.empty())
        flush();
    else if (!segment_)
        allocate();
}

bool spool_writer::allocate() {
    const auto name = segment_name(end_);
    descriptor file(::openat(directory_, name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) {
        error_ = errno;
        return false;
    }
    int failed = 0;
    do failed = ::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(segment_bytes_)) == 0 ? 0 : errno;
    while (failed == EINTR);
    // Some file systems cannot allocate ahead (NFS 3, some FUSE). There a full disk shows at the write, which retries.
    if (failed != 0 && failed != EOPNOTSUPP && failed != ENOSYS) {
        ::unlinkat(directory_, name.c_str(), 0);
        error_ = failed;
        return false;
    }
    segment_ = std::move(file);
    segment_start_ = end_;
    return true;
}

void spool_writer::flush() {
    std::string_view rest = pending_;
    while (!rest.empty()) {
        const auto n = ::pwrite(segment_.get(), rest.data(), rest.size(), static_cast<off_t>(end_ - segment_start_));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            error_ = n < 0 ? errno : ENOSPC;
            break;
        }
        end_ += static_cast<std::uint64_t>(n);
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
    pending_.erase(0, pending_.size() - rest.size());
    if (pending_.empty()) std::string().swap(pending_);
    if (end_ - segment_start_ == segment_bytes_) {
        segment_.reset();
        acknowledge(acknowledged_);
    }
}

void spool_writer::acknowledge(std::uint64_t offset) {
    acknowledged_ = std::max(acknowledged_, std::min(offset, end_));
    const auto keep_from = segment_ ? segment_start_ : end_;
    while (first_segment_ < keep_from && first_segment_ + segment_bytes_ <= acknowledged_) {
        ::unlinkat(directory_, segment_name(first_segment_).c_str(), 0);
        first_segment_ += segment_bytes_;
    }
}

std::string spool_writer::trouble() const {
    if (error_ != 0) return "The session's output cannot be stored, so it waits. " + describe_disk_error(error_);
    if (end_ - acknowledged_ >= bytes_max_)
        return "The session's output waits: the agent has not stored what is already there.";
    return {};
}

}  // namespace agent::hold
