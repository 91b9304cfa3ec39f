// Who may change the agent's files: one program at a time. Two agents on one state directory would both drive the same
// sessions, and an enrolment beside a running agent would be overwritten by it.
#pragma once

#include <filesystem>
#include <optional>

namespace agent {

// Held as long as it lives; the kernel gives it back when the process ends, however it ends.
class state_lock {
public:
    // nullopt if another process holds it, or if the file cannot be made.
    static std::optional<state_lock> take(const std::filesystem::path& state_directory);
    ~state_lock();
    state_lock(state_lock&& other) noexcept;
    state_lock& operator=(state_lock&&) = delete;

private:
    explicit state_lock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace agent
