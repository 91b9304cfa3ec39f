#include "tests/agent/events/child_process.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <stdexcept>

namespace agent::events::test {

child_process::child_process(const std::function<void(int fd)>& body) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("no child process");
    if (pid_ == 0) {
        ::close(ends[0]);
        int code = 0;
        try {
            body(ends[1]);
        } catch (const std::exception& e) {
            const std::string text = std::string("exception: ") + e.what();
            code = ::write(ends[1], text.data(), text.size()) < 0 ? 2 : 1;
        }
        ::_exit(code);
    }
    ::close(ends[1]);
    fd_ = ends[0];
}

child_process::~child_process() {
    kill();
    ::close(fd_);
}

void child_process::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

bool child_process::read_line(std::string& line) {
    for (;;) {
        if (const auto newline = buffer_.find('\n'); newline != std::string::npos) {
            line = buffer_.substr(0, newline);
            buffer_.erase(0, newline + 1);
            return true;
        }
        std::array<char, 4096> piece{};
        const auto got = ::read(fd_, piece.data(), piece.size());
        if (got <= 0) return false;
        buffer_.append(piece.data(), static_cast<std::size_t>(got));
    }
}

std::string child_process::read_all() {
    std::string out;
    for (std::string line; read_line(line);) out += line + "\n";
    return out + buffer_;
}

}  // namespace agent::events::test
