#include "agent/hold/directory.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace agent::hold {
namespace {

constexpr std::string_view segment_prefix = "spool-";

std::vector<std::string> names_in(int directory) {
    std::vector<std::string> names;
    // A descriptor of its own, because readdir moves the offset that duplicates would share.
    const int fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return names;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd), ::closedir);
    if (!stream) {
        ::close(fd);
        return names;
    }
    while (const dirent* entry = ::readdir(stream.get())) names.emplace_back(entry->d_name);
    return names;
}

}  // namespace

std::string segment_name(std::uint64_t start) {
    std::string digits(16, '0');
    for (auto digit = digits.rbegin(); start != 0; ++digit, start >>= 4) *digit = "0123456789abcdef"[start & 15];
    return std::string(segment_prefix) + digits;
}

std::optional<std::uint64_t> segment_start(std::string_view name) {
    if (!name.starts_with(segment_prefix) || name.size() != segment_prefix.size() + 16) return std::nullopt;
    name.remove_prefix(segment_prefix.size());
    std::uint64_t start = 0;
    const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), start, 16);
    if (ec != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return start;
}

std::vector<std::uint64_t> list_segments(int directory) {
    std::vector<std::uint64_t> starts;
    for (const auto& name : names_in(directory))
        if (const auto start = segment_start(name)) starts.push_back(*start);
    std::ranges::sort(starts);
    return starts;
}

std::expected<descriptor, int> open_directory(const std::filesystem::path& path) {
    descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!directory) return std::unexpected(errno);
    struct stat status{};
    if (::fstat(directory.get(), &status) != 0) return std::unexpected(errno);
    if (status.st_uid != ::geteuid()) return std::unexpected(EPERM);
    return directory;
}

std::expected<descriptor, std::string> make_directory(const std::filesystem::path& path) {
    std::error_code ec;
    std::filesystem::create_directories(path.parent_path(), ec);
    if (!ec && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) ec.assign(errno, std::generic_category());
    if (ec)
        return std::unexpected("The directory " + path.string() + " cannot be made. " +
                               describe_disk_error(ec.value()));
    auto directory = open_directory(path);
    if (!directory && directory.error() == EPERM)
        return std::unexpected("The directory " + path.string() + " belongs to another user. Remove it.");
    if (!directory)
        return std::unexpected("The directory " + path.string() + " cannot be opened. " +
                               describe_disk_error(directory.error()));
    if (::fchmod(directory->get(), 0700) != 0)
        return std::unexpected("The directory " + path.string() + " cannot be closed to other users. " +
                               describe_disk_error(errno));
    return std::move(*directory);
}

void remove_own_files(int directory) {
    for (const auto& name : names_in(directory)) {
        const bool own = segment_start(name) || name == socket_name || name == exit_name ||
                         name == exit_temporary_name || name == stderr_name || name == stderr_old_name;
        if (own) ::unlinkat(directory, name.c_str(), 0);
    }
}

sockaddr_un socket_address(int directory) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = "/proc/self/fd/" + std::to_string(directory) + "/" + socket_name;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return address;
}

std::optional<std::string> read_small_file(int directory, const char* name, std::size_t limit) {
    const descriptor file(::openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return std::nullopt;
    std::string content(limit, '\0');
    std::size_t size = 0;
    while (size < limit) {
        const auto n = ::read(file.get(), content.data() + size, limit - size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        size += static_cast<std::size_t>(n);
    }
    content.resize(size);
    return content;
}

int replace_file_durably(int directory, const char* name, const char* temporary, std::string_view content) {
    const descriptor file(::openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return errno;
    while (!content.empty()) {
        const auto n = ::write(file.get(), content.data(), content.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        content.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fsync(file.get()) != 0) return errno;
    if (::renameat(directory, temporary, directory, name) != 0) return errno;
    return ::fsync(directory) == 0 ? 0 : errno;
}

std::string describe_disk_error(int error) {
    switch (error) {
        case ENOSPC:
            return "The disk is full: free some space on it.";
        case EDQUOT:
            return "The user's disk quota is used up: free some space or raise it.";
        case EFBIG:
            return "The limit on the size of files is reached: raise it (ulimit -f).";
        case EIO:
            return "The disk reports an input/output error: check its health.";
        case EROFS:
            return "The file system is mounted read-only: mount it writable.";
        case EACCES:
        case EPERM:
            return "This user is not allowed to: check the owner and the mode.";
        case EMFILE:
        case ENFILE:
            return "Too many files are open: raise the limit (ulimit -n).";
        default:
            return std::string("The system says: ") + std::strerror(error) + ".";
    }
}

}  // namespace agent::hold
