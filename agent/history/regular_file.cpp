#include "agent/history/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace agent::history {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

}  // namespace

std::optional<regular_file> regular_file::open(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) return std::nullopt;
    struct stat found{};
    if (::fstat(descriptor, &found) != 0 || !S_ISREG(found.st_mode)) {
        ::close(descriptor);
        return std::nullopt;
    }
    const std::int64_t modified_at = found.st_mtim.tv_sec * 1000 + found.st_mtim.tv_nsec / 1'000'000;
    return regular_file(descriptor, found.st_size, modified_at);
}

regular_file::~regular_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

regular_file::regular_file(regular_file&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_), modified_at_(other.modified_at_) {}

regular_file& regular_file::operator=(regular_file&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    size_ = other.size_;
    modified_at_ = other.modified_at_;
    return *this;
}

std::string regular_file::read(std::int64_t offset, std::size_t count) const {
    std::string out(count, '\0');
    std::size_t have = 0;
    while (have < count) {
        const auto got = ::pread(descriptor_, out.data() + have, count - have,
                                 static_cast<off_t>(offset) + static_cast<off_t>(have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
}

std::int64_t regular_file::each_line(std::int64_t begin, std::int64_t end, std::size_t line_bytes_max,
                                     const std::function<void(std::string_view)>& see) const {
    end = std::min(end, size_);
    std::int64_t after_last = begin;
    std::string line;
    // Whether `begin` is the start of a line is told by the byte before it.
    bool skipping = begin > 0 && read(begin - 1, 1) != "\n";
    for (std::int64_t at = begin; at < end;) {
        const std::string piece = read(at, std::min<std::size_t>(piece_bytes, static_cast<std::size_t>(end - at)));
        if (piece.empty()) break;  // cut off meanwhile
        std::size_t from = 0;
        for (std::size_t newline = piece.find('\n'); newline != std::string::npos; newline = piece.find('\n', from)) {
            line.append(piece, from, newline - from);
            if (!skipping && line.size() <= line_bytes_max) see(line);
            line.clear();
            skipping = false;
            from = newline + 1;
            after_last = at + static_cast<std::int64_t>(from);
        }
        if (!skipping) line.append(piece, from);
        if (line.size() > line_bytes_max) {
            skipping = true;
            line.clear();
        }
        at += static_cast<std::int64_t>(piece.size());
    }
    return after_last;
}

}  // namespace agent::history
