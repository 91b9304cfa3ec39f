#include "agent/private_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

#include "common/crypto/random.hpp"

namespace agent {

namespace {

bool write_synced(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return ::fsync(fd) == 0;
}

bool sync_directory(const std::filesystem::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool synced = ::fsync(fd) == 0;
    ::close(fd);
    return synced;
}

}  // namespace

std::expected<void, std::string> save_private_file(const std::filesystem::path& file, std::string_view text) {
    auto temporary = file;
    temporary += ".new";
    const auto failed = [&](const char* what) {
        const int reason = errno;
        ::unlink(temporary.c_str());
        return std::unexpected(fmt::format("{} cannot be {}: {}.", file.string(), what, std::strerror(reason)));
    };
    ::unlink(temporary.c_str());  // of a crash; its mode may be another
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failed("written");
    const bool written = write_synced(fd, text);
    const int reason = errno;
    ::close(fd);
    errno = reason;
    if (!written) return failed("written");
    if (::rename(temporary.c_str(), file.c_str()) != 0) return failed("put in place");
    if (!sync_directory(file.parent_path())) return failed("put in place");
    return {};
}

std::string load_or_make_key(const std::filesystem::path& file, std::size_t bytes) {
    std::ifstream in(file, std::ios::binary);
    std::string key(bytes, '\0');
    if (in.read(key.data(), static_cast<std::streamsize>(key.size()))) return key;
    key = common::crypto::random_bytes(bytes);
    if (const auto saved = save_private_file(file, key); !saved) throw std::runtime_error(saved.error());
    return key;
}

}  // namespace agent
