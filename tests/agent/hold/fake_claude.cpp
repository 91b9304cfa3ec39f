// Stands for claude in the holder's tests: does what the lines on its stdin say, one command each. Answers go to stdout
// at once. At the end of stdin it exits with 0, unless it was told to ignore that.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void put(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::write(fd, text.data(), text.size());
        if (n <= 0) ::_exit(99);
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

void say(const std::string& text) { put(1, text + "\n"); }

long number(std::string_view text) {
    long value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// A tool that goes on by itself: prints "child PID", then waits for ever. `detached`: in a session of its own and by a
// parent that is gone, so that only its environment tells where it comes from.
void spawn_grandchild(bool detached) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) ::_exit(98);
    const pid_t middle = ::fork();
    if (middle == 0) {
        if (detached) ::setsid();
        const pid_t last = ::fork();
        if (last != 0) {
            if (detached) ::_exit(0);
            ::waitpid(last, nullptr, 0);
            ::_exit(0);
        }
        ::signal(SIGTERM, SIG_IGN);
        const auto text = std::to_string(::getpid());
        put(ends[1], text);
        ::close(ends[1]);
        for (;;) ::pause();
    }
    ::close(ends[1]);
    char text[32] = {};
    const auto n = ::read(ends[0], text, sizeof(text));
    ::close(ends[0]);
    if (detached) ::waitpid(middle, nullptr, 0);
    say("child " + std::string(text, static_cast<std::size_t>(std::max<ssize_t>(n, 0))));
}

void obey(const std::string& line, bool& ignores_eof) {
    const auto space = line.find(' ');
    const std::string command = line.substr(0, space);
    const std::string argument = space == std::string::npos ? "" : line.substr(space + 1);
    if (command == "emit") {  // N numbered lines
        std::string batch;
        for (long i = 0, count = number(argument); i < count; ++i) {
            batch += "line " + std::to_string(i) + "\n";
            if (batch.size() > 4000) put(1, batch), batch.clear();
        }
        put(1, batch);
    } else if (command == "big") {  // one line of N bytes
        say(std::string(static_cast<std::size_t>(number(argument)), 'x'));
    } else if (command == "partial") {
        put(1, argument);
    } else if (command == "stderr") {
        put(2, argument + "\n");
    } else if (command == "stderr_bytes") {
        put(2, std::string(static_cast<std::size_t>(number(argument)), 'e') + "last words\n");
    } else if (command == "exit") {
        ::_exit(static_cast<int>(number(argument)));
    } else if (command == "kill_self") {
        ::kill(::getpid(), static_cast<int>(number(argument)));
    } else if (command == "ignore_term") {
        ::signal(SIGTERM, SIG_IGN);
        say("ignoring");
    } else if (command == "ignore_eof") {
        ignores_eof = true;
        say("ignoring");
    } else if (command == "grandchild" || command == "detached") {
        spawn_grandchild(command == "detached");
    } else if (command == "close_stdin") {
        ::close(0);
        say("closed");
        for (;;) ::pause();
    } else if (command == "stop_reading") {
        say("deaf");
        for (;;) ::pause();
    } else if (command == "getenv") {
        const char* value = ::getenv(argument.c_str());
        say(value ? value : "(unset)");
    } else if (command == "count_fds") {
        std::string open;
        for (int fd = 3; fd < 64; ++fd)
            if (::fcntl(fd, F_GETFD) >= 0) open += " " + std::to_string(fd);
        say("fds" + open);
    } else if (command == "run") {  // a shell command; its first line is the answer
        char text[256] = {};
        FILE* output = ::popen(argument.c_str(), "r");
        const auto n = output ? ::fread(text, 1, sizeof(text), output) : 0;
        if (output) ::pclose(output);
        const std::string_view all(text, n);
        say(std::string(all.substr(0, all.find('\n'))));
    } else if (command == "size") {  // so that a test sees whole lines arrive without sending them back
        say(std::to_string(line.size()));
    } else {
        say("echo " + line);
    }
}

}  // namespace

int main() {
    std::string input;
    bool ignores_eof = false;
    char piece[65536];
    for (;;) {
        const auto n = ::read(0, piece, sizeof(piece));
        if (n <= 0) break;
        input.append(piece, static_cast<std::size_t>(n));
        for (auto end = input.find('\n'); end != std::string::npos; end = input.find('\n')) {
            const auto line = input.substr(0, end);
            input.erase(0, end + 1);
            obey(line, ignores_eof);
        }
    }
    if (!input.empty()) put(2, "half a line came\n");
    while (ignores_eof) ::pause();
    return input.empty() ? 0 : 97;
}
