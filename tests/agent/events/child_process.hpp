// A part of a test in a process of its own, which may be killed or lose its rights without harm to the others. Make
// it while this process has no other threads.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace agent::events::test {

class child_process {
public:
    // Runs body(fd) in the child; what it writes to fd, the parent reads. Ends without destructors of the parent's
    // things.
    explicit child_process(const std::function<void(int fd)>& body);
    ~child_process();
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;

    // Blocks; the rest when the child has ended. Without the newline.
    bool read_line(std::string& line);
    void kill();
    std::string read_all();

private:
    pid_t pid_ = -1;
    int fd_ = -1;
    std::string buffer_;
};

}  // namespace agent::events::test
