#include "agent/git/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace agent::git {

namespace fs = std::filesystem;
using proto::error_code;

namespace {

constexpr std::size_t errors_bytes_max = 1024;

class descriptor {
public:
    explicit descriptor(int fd) : fd_(fd) {}
    ~descriptor() { close(); }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    int get() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_;
};

// Nothing of the agent's own environment but where programs are.
std::vector<std::string> environment(const command& what) {
    const char* path = ::getenv("PATH");
    std::vector<std::string> out{fmt::format("PATH={}", path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin"),
                                 "LC_ALL=C",
                                 "GIT_CONFIG_NOSYSTEM=1",
                                 "GIT_CONFIG_SYSTEM=/dev/null",
                                 "GIT_CONFIG_GLOBAL=/dev/null",
                                 "GIT_ATTR_NOSYSTEM=1",
                                 "GIT_TERMINAL_PROMPT=0",
                                 "GIT_OPTIONAL_LOCKS=0",
                                 "GIT_NO_LAZY_FETCH=1",
                                 "GIT_NO_REPLACE_OBJECTS=1",
                                 "GIT_ALLOW_PROTOCOL=none",
                                 "GIT_PAGER=cat",
                                 "GIT_EDITOR=false",
                                 "GIT_SSH_COMMAND=false"};
    if (!what.git_dir.empty()) {
        out.push_back("GIT_DIR=" + what.git_dir.string());
        out.push_back("GIT_WORK_TREE=" + what.work_tree.string());
    }
    return out;
}

// Set on the command line, they win over the repository's own.
std::vector<std::string> arguments(const command& what) {
    std::vector<std::string> out{"git", "--no-pager", "--literal-pathspecs"};
    for (const char* setting :
         {"core.fsmonitor=false", "core.hooksPath=/dev/null", "core.attributesFile=/dev/null", "core.sshCommand=false",
          "core.askPass=false", "credential.helper=", "protocol.allow=never", "submodule.recurse=false",
          "diff.external=", "diff.ignoreSubmodules=all", "gc.auto=0", "maintenance.auto=false",
          "advice.detachedHead=false"}) {
        out.emplace_back("-c");
        out.emplace_back(setting);
    }
    out.insert(out.end(), what.arguments.begin(), what.arguments.end());
    return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

// A file in memory rather than a pipe: git may read it when it likes.
int input_file(const std::string& input) {
    const int fd = ::memfd_create("git-input", MFD_CLOEXEC);
    if (fd < 0) return -1;
    std::string_view rest = input;
    while (!rest.empty()) {
        const ssize_t put = ::write(fd, rest.data(), rest.size());
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(put));
    }
    if (rest.empty() && ::lseek(fd, 0, SEEK_SET) == 0) return fd;
    ::close(fd);
    return -1;
}

std::unexpected<proto::error> not_started(int why) {
    if (why == ENOENT)
        return proto::fail(error_code::internal, "git is not installed on this machine, or not on the agent's PATH.",
                           "Install git there, then try again.");
    return proto::fail(error_code::internal, fmt::format("git could not be started (error {}).", why),
                       "Run `git --version` on the machine to see whether it works there.");
}

struct child {
    pid_t pid;
    const descriptor& out;
    const descriptor& err;
};

enum class reading { whole, cut, late };

reading read_all(const child& c, std::size_t output_max, deadline until, finished& into) {
    std::array<pollfd, 2> waiting{{{c.out.get(), POLLIN, 0}, {c.err.get(), POLLIN, 0}}};
    std::array<char, 16 * 1024> buffer;
    while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
        using namespace std::chrono;
        const auto left = duration_cast<milliseconds>(until - steady_clock::now()).count();
        if (left <= 0) return reading::late;
        const int ready =
            ::poll(waiting.data(), waiting.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000)));
        if (ready < 0 && errno != EINTR) return reading::late;
        if (ready <= 0) continue;
        for (auto& one : waiting) {
            if (one.fd < 0 || one.revents == 0) continue;
            const ssize_t got = ::read(one.fd, buffer.data(), buffer.size());
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                one.fd = -1;
                continue;
            }
            std::string& text = &one == &waiting[0] ? into.output : into.errors;
            const std::size_t max = &one == &waiting[0] ? output_max : errors_bytes_max;
            const std::size_t room = max - text.size();
            text.append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
            if (static_cast<std::size_t>(got) > room && &one == &waiting[0]) return reading::cut;
        }
    }
    return reading::whole;
}

}  // namespace

proto::result<finished> run(const command& what, deadline until) {
    int out_ends[2];
    int err_ends[2];
    if (::pipe2(out_ends, O_CLOEXEC) != 0) return not_started(errno);
    const descriptor out(out_ends[0]);
    descriptor out_in(out_ends[1]);
    if (::pipe2(err_ends, O_CLOEXEC) != 0) return not_started(errno);
    const descriptor err(err_ends[0]);
    descriptor err_in(err_ends[1]);
    const descriptor input(input_file(what.input));
    if (input.get() < 0) return not_started(errno);

    auto argument_texts = arguments(what);
    auto environment_texts = environment(what);
    const auto argv = pointers(argument_texts);
    const auto envp = pointers(environment_texts);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, input.get(), 0);
    ::posix_spawn_file_actions_adddup2(&actions, out_in.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, err_in.get(), 2);
    ::posix_spawn_file_actions_addchdir_np(&actions, what.directory.c_str());
    // A group of its own: whatever git starts ends with it.
    sigset_t none;
    sigset_t usual;
    ::sigemptyset(&none);
    ::sigemptyset(&usual);
    for (const int number : {SIGPIPE, SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&usual, number);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &usual);
    pid_t pid = -1;
    const int failed = ::posix_spawnp(&pid, "git", &actions, &attributes, argv.data(), envp.data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    std::error_code ec;
    if (failed != 0 && !fs::is_directory(what.directory, ec))
        return proto::fail(error_code::not_found,
                           fmt::format("The directory {} is not there any more.", what.directory.string()));
    if (failed != 0) return not_started(failed);
    out_in.close();
    err_in.close();

    finished done;
    const auto read = read_all({pid, out, err}, what.output_bytes_max, until, done);
    if (read != reading::whole) ::kill(-pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    done.cut = read == reading::cut;
    if (read == reading::late)
        return proto::fail(error_code::timeout, "git took too long on this machine.",
                           "The work tree may be very large, or its disk slow. Try again, or look there by hand.");
    done.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return done;
}

proto::result<std::string> output_of(const command& what, deadline until, std::string_view doing) {
    auto done = run(what, until);
    if (!done) return std::unexpected(std::move(done.error()));
    if (done->cut)
        return proto::fail(
            error_code::resource_exhausted,
            fmt::format("git has more to say than {} bytes, so it could not {}.", what.output_bytes_max, doing));
    if (done->status != 0) {
        std::string why = done->errors.substr(0, done->errors.find('\n'));
        return proto::fail(error_code::internal,
                           fmt::format("git could not {}: {}", doing, why.empty() ? "it gave no reason." : why),
                           "Look at the repository on the machine; `git status` and `git fsck` may tell more.");
    }
    return std::move(done->output);
}

}  // namespace agent::git
