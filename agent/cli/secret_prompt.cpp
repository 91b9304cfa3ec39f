#include "agent/cli/secret_prompt.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <iostream>

namespace agent::cli {

namespace {

constexpr std::size_t line_bytes_max = 4096;

std::string trimmed(std::string text) {
    constexpr std::string_view white = " \t\r\n";
    const auto begin = text.find_first_not_of(white);
    if (begin == std::string::npos) return {};
    return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

// While it lives, the signals that a terminal sends wait: they act when the terminal is as it was.
class signals_held {
public:
    signals_held() {
        ::sigemptyset(&wanted_);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::sigaddset(&wanted_, signal);
        ::sigprocmask(SIG_BLOCK, &wanted_, &before_);
        descriptor_ = ::signalfd(-1, &wanted_, SFD_CLOEXEC);
    }
    ~signals_held() {
        if (descriptor_ >= 0) ::close(descriptor_);
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    signals_held(const signals_held&) = delete;
    signals_held& operator=(const signals_held&) = delete;
    int descriptor() const { return descriptor_; }

private:
    sigset_t wanted_{};
    sigset_t before_{};
    int descriptor_ = -1;
};

class silent_terminal {
public:
    silent_terminal() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!is_terminal_) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &silent);
    }
    ~silent_terminal() {
        if (!is_terminal_) return;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        std::cerr << '\n';
    }
    silent_terminal(const silent_terminal&) = delete;
    silent_terminal& operator=(const silent_terminal&) = delete;

private:
    termios before_{};
    bool is_terminal_;
};

}  // namespace

std::optional<std::string> ask_secret(std::string_view question) {
    const signals_held signals;
    const silent_terminal terminal;
    std::cerr << question << std::flush;
    std::string text;
    while (text.size() < line_bytes_max) {
        pollfd wanted[2] = {{STDIN_FILENO, POLLIN, 0}, {signals.descriptor(), POLLIN, 0}};
        if (::poll(wanted, signals.descriptor() >= 0 ? 2 : 1, -1) < 0) return std::nullopt;
        if (wanted[1].revents != 0) return std::nullopt;
        char c = 0;
        const ssize_t n = ::read(STDIN_FILENO, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 && text.empty()) return std::nullopt;
        if (n <= 0 || c == '\n') break;
        text += c;
    }
    return trimmed(std::move(text));
}

std::string first_line(std::istream& in) {
    std::string text;
    for (char c = 0; text.size() < line_bytes_max && in.get(c) && c != '\n';) text += c;
    return trimmed(std::move(text));
}

}  // namespace agent::cli
