#include "agent/state_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <utility>

namespace agent {

std::optional<state_lock> state_lock::take(const std::filesystem::path& state_directory) {
    const int fd = ::open((state_directory / "agent.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return std::nullopt;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return state_lock(fd);
    ::close(fd);
    return std::nullopt;
}

state_lock::state_lock(state_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

state_lock::~state_lock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace agent
