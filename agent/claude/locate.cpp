#include "agent/claude/locate.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace agent::claude {
namespace fs = std::filesystem;
namespace {

#if defined(__aarch64__)
constexpr const char* platform_packages[] = {"claude-code-linux-arm64", "claude-code-linux-arm64-musl"};
#else
constexpr const char* platform_packages[] = {"claude-code-linux-x64", "claude-code-linux-x64-musl"};
#endif

std::string value_of(const variables& environment, const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

bool is_program(const fs::path& path) {
    std::error_code ec;
    return fs::is_regular_file(path, ec) && ::access(path.c_str(), X_OK) == 0;
}

bool starts_with(const fs::path& path, std::string_view magic) {
    std::ifstream in(path, std::ios::binary);
    std::string head(magic.size(), '\0');
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    return in && head == magic;
}

std::optional<fs::path> native_beside(const fs::path& program) {
    // …/@anthropic-ai/claude-code/bin/claude.exe
    const fs::path package = program.parent_path().parent_path();
    for (const fs::path& scope : {package.parent_path(), package / "node_modules" / "@anthropic-ai"}) {
        for (const char* name : platform_packages) {
            const fs::path candidate = scope / name / "claude";
            if (is_program(candidate)) return candidate;
        }
    }
    return std::nullopt;
}

// The program to execute for `path`; nothing if there is none.
std::optional<fs::path> resolve(const fs::path& path) {
    std::error_code ec;
    const fs::path real = fs::canonical(path, ec);
    if (ec || !fs::is_regular_file(real, ec)) return std::nullopt;
    if (is_program(real) && starts_with(real,
                                        "\x7f"
                                        "ELF"))
        return real;
    if (auto native = native_beside(real)) return native;
    if (is_program(real) && starts_with(real, "#!")) return real;
    return std::nullopt;
}

std::vector<fs::path> on_path(const std::string& path) {
    std::vector<fs::path> out;
    std::size_t begin = 0;
    while (begin <= path.size()) {
        const std::size_t end = std::min(path.find(':', begin), path.size());
        // An empty or relative entry would mean whatever directory we happen to be in.
        if (end > begin && path[begin] == '/') out.emplace_back(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return out;
}

std::vector<fs::path> usual_places(const std::string& home) {
    std::vector<fs::path> out;
    if (!home.empty()) {
        for (const char* place : {".local/bin", ".claude/local", ".claude/local/node_modules/.bin", ".bun/bin",
                                  ".volta/bin", ".npm-global/bin"})
            out.push_back(fs::path(home) / place);
    }
    for (const char* place : {"/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"}) out.emplace_back(place);
    return out;
}

proto::result<fs::path> named(const std::string& path, const std::string& where) {
    if (path.front() == '/')
        if (auto program = resolve(path)) return *program;
    return proto::fail(proto::error_code::internal,
                       "Claude Code was not found at " + path + ", which " + where + " names.",
                       "Correct it there; it must be the absolute path of the claude program.");
}

class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) {}
    ~descriptor() { close(); }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int get() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_;
};

std::string read_until(int fd, std::chrono::steady_clock::time_point deadline, bool& timed_out) {
    std::string out;
    std::array<char, 512> buffer;
    while (out.size() < 4096) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd waiting{fd, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if (ready < 0 && errno == EINTR) continue;
        timed_out = ready == 0;
        if (ready <= 0) break;
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got <= 0) break;
        out.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return out;
}

}  // namespace

proto::result<fs::path> locate(const std::string& configured, const variables& environment) {
    if (!configured.empty()) return named(configured, "the configuration");
    if (const auto bin = value_of(environment, "CLAUDE_BIN"); !bin.empty()) return named(bin, "CLAUDE_BIN");
    for (const auto& places : {on_path(value_of(environment, "PATH")), usual_places(value_of(environment, "HOME"))})
        for (const auto& place : places)
            if (auto program = resolve(place / "claude")) return *program;
    return proto::fail(
        proto::error_code::internal, "Claude Code is not installed on this machine, or not where it is looked for.",
        "Install it (npm install -g @anthropic-ai/claude-code), or set CLAUDE_BIN to the claude program's path.");
}

proto::result<std::string> read_version(const fs::path& program, const variables& environment,
                                        std::chrono::milliseconds timeout) {
    const auto failed = [&](const std::string& why) {
        return proto::fail(proto::error_code::internal, program.string() + " --version " + why + ".",
                           "Run it by hand to see what is wrong with this installation of Claude Code.");
    };
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return failed("could not be run: no pipe was left");
    const descriptor out(ends[0]);
    descriptor in(ends[1]);

    std::vector<std::string> texts;
    for (const auto& [name, value] : environment) texts.push_back(name + "=" + value);
    std::vector<char*> envp;
    for (auto& text : texts) envp.push_back(text.data());
    envp.push_back(nullptr);
    std::string path = program.string(), flag = "--version";
    char* argv[] = {path.data(), flag.data(), nullptr};

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, in.get(), 1);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, path.c_str(), &actions, nullptr, argv, envp.data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return failed("could not be started");
    in.close();

    bool timed_out = false;
    std::string text = read_until(out.get(), std::chrono::steady_clock::now() + timeout, timed_out);
    if (timed_out) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (timed_out) return failed("gave no answer");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return failed("failed");
    text.resize(std::min(text.find_first_of(" \n"), text.size()));
    if (text.empty() || text.size() > 64) return failed("gave no version");
    return text;
}

}  // namespace agent::claude
