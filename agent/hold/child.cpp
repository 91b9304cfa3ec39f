#include "agent/hold/child.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace agent::hold {
namespace {

enum class step : int { prepare, directory, execute };

struct failure {
    step at;
    int error;
};

struct pipe_pair {
    descriptor read;
    descriptor write;
};

std::expected<pipe_pair, int> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(errno);
    return pipe_pair{descriptor(ends[0]), descriptor(ends[1])};
}

std::string describe(const failure& f, const spawn_spec& spec) {
    const auto& program = spec.argv[0];
    const auto reason = std::string(" (") + std::strerror(f.error) + ")";
    if (f.at == step::directory && f.error == ENOENT)
        return "The working directory " + spec.cwd.string() + " does not exist.";
    if (f.at == step::directory)
        return "The working directory " + spec.cwd.string() + " cannot be entered" + reason + ".";
    if (f.at == step::prepare) return "The system did not let claude's process be prepared" + reason + ".";
    switch (f.error) {
        case ENOENT:
            return program + " was not found, or the interpreter that its first line names was not.";
        case EACCES:
            return program + " is not executable by this user.";
        case ENOEXEC:
            return program + " is not a program that this machine can run.";
        case E2BIG:
            return "claude's arguments and environment are too long for this system.";
        default:
            return program + " could not be run" + reason + ".";
    }
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (auto& s : strings) result.push_back(s.data());
    result.push_back(nullptr);
    return result;
}

// In the child, between fork and exec. Returns only when something failed.
failure become_claude(const spawn_spec& spec, const std::array<int, 3>& stdio, pid_t holder, char* const* argv,
                      char* const* envp) {
    // The holder blocks its signals and ignores some; both would survive exec.
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);

    if (::setpgid(0, 0) != 0) return {step::prepare, errno};
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return {step::prepare, errno};
    if (::getppid() != holder) ::_exit(127);  // it died before the kernel was asked to tell
    for (int target = 0; target < 3; ++target)
        if (::dup2(stdio[static_cast<std::size_t>(target)], target) < 0) return {step::prepare, errno};
    if (::chdir(spec.cwd.c_str()) != 0) return {step::directory, errno};
    ::execve(argv[0], argv, envp);
    return {step::execute, errno};
}

}  // namespace

std::expected<child, std::string> start_child(const spawn_spec& spec) {
    auto in = make_pipe();
    auto out = make_pipe();
    auto err = make_pipe();
    auto report = make_pipe();
    if (!in || !out || !err || !report)
        return std::unexpected("claude's pipes could not be made: too many open files.");

    auto arguments = spec.argv;
    std::vector<std::string> variables;
    for (const auto& [name, value] : spec.env)
        if (name != session_marker) variables.push_back(name + "=" + value);
    variables.push_back(std::string(session_marker) + "=" + spec.session_id);
    const auto argv = pointers(arguments);
    const auto envp = pointers(variables);
    const std::array<int, 3> stdio{in->read.get(), out->write.get(), err->write.get()};

    const pid_t holder = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0)
        return std::unexpected(std::string("The system lets no more processes be started (") + std::strerror(errno) +
                               ").");
    if (pid == 0) {
        const failure f = become_claude(spec, stdio, holder, argv.data(), envp.data());
        [[maybe_unused]] const auto told = ::write(report->write.get(), &f, sizeof(f));
        ::_exit(127);
    }

    report->write.reset();
    failure f{};
    ssize_t n = 0;
    do n = ::read(report->read.get(), &f, sizeof(f));
    while (n < 0 && errno == EINTR);
    if (n != 0) {                    // exec closes it without a byte
        ::waitpid(pid, nullptr, 0);  // it shares the lock until it is over
        return std::unexpected(describe(f, spec));
    }

    for (const int fd : {in->write.get(), out->read.get(), err->read.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return child{pid, std::move(in->write), std::move(out->read), std::move(err->read)};
}

}  // namespace agent::hold
