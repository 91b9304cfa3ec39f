#include "agent/hold/hold_main.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/hold/directory.hpp"
#include "agent/hold/holder.hpp"
#include "agent/hold/start.hpp"

namespace agent::hold {
namespace {

constexpr std::chrono::seconds spec_patience(10);

std::unexpected<hold_error> start_failure(std::string message) {
    return std::unexpected(hold_error{hold_errc::start_failed, std::move(message)});
}

std::expected<std::string, hold_error> read_spec() {
    const auto deadline = std::chrono::steady_clock::now() + spec_patience;
    std::string text;
    std::array<char, 16u << 10> piece;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd readable{STDIN_FILENO, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) == 0)
            return start_failure("No whole spawn spec came on stdin within 10 seconds.");
        const auto n = ::read(STDIN_FILENO, piece.data(), piece.size());
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) return start_failure("The spawn spec on stdin could not be read.");
        if (n == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(n));
        if (text.size() > start_bytes_max) return start_failure("The spawn spec on stdin is longer than 4 MiB.");
    }
}

void report(const start_report& r) {
    const auto text = to_json(r);
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto n = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;  // who started us is gone; the next agent attaches
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
}

// Keeps the numbers 0 to 2 taken, so that no later descriptor gets one of them.
void let_go_of_stdio() {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
    if (null > 2) ::close(null);
}

descriptor take_signals() {
    for (const int ignored : {SIGHUP, SIGPIPE, SIGXFSZ}) ::signal(ignored, SIG_IGN);
    sigset_t taken;
    sigemptyset(&taken);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) {
        ::signal(signal, SIG_DFL);
        sigaddset(&taken, signal);
    }
    ::sigprocmask(SIG_BLOCK, &taken, nullptr);
    return descriptor(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
}

// The session's lock, without CLOEXEC: claude and what it starts share it.
std::expected<descriptor, hold_error> take_lock(const std::filesystem::path& path) {
    std::error_code ec;
    std::filesystem::create_directories(path.parent_path(), ec);
    descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    if (!lock)
        return start_failure("The lock file " + path.string() + " cannot be opened. " + describe_disk_error(errno));
    // A killed claude still has it until the kernel is done with it.
    constexpr int attempts_max = 25;
    for (int attempt = 1; ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
        if (errno == EWOULDBLOCK && attempt < attempts_max) {
            ::poll(nullptr, 0, 20);
            continue;
        }
        if (errno != EWOULDBLOCK)
            return start_failure("The lock file " + path.string() + " cannot be locked. " + describe_disk_error(errno));
        return std::unexpected(hold_error{
            hold_errc::locked, "Another process already runs this session: it holds the lock " + path.string() + "."});
    }
    return lock;
}

std::expected<descriptor, hold_error> take_directory(const std::filesystem::path& path) {
    auto directory = make_directory(path);
    if (!directory) return start_failure(std::move(directory.error()));
    // Freed with the holder only, where the session's lock goes with claude: an old holder that still waits for its
    // release must not find a new one's files.
    if (::flock(directory->get(), LOCK_EX | LOCK_NB) != 0)
        return std::unexpected(hold_error{hold_errc::locked, "Another holder still uses the directory " +
                                                                 path.string() + ": attach to it and release it."});
    return std::move(*directory);
}

std::expected<holder::resources, hold_error> start(const spawn_spec& spec) {
    auto lock = take_lock(spec.lock_file);
    if (!lock) return std::unexpected(std::move(lock.error()));
    auto directory = take_directory(spec.directory);
    if (!directory) return std::unexpected(std::move(directory.error()));
    const int fd = directory->get();
    remove_own_files(fd);

    const auto give_up = [&](std::string message) {
        remove_own_files(fd);
        ::rmdir(spec.directory.c_str());
        return start_failure(std::move(message));
    };
    auto signals = take_signals();
    if (!signals) return give_up("Signals cannot be received: too many open files.");
    auto listener = listen_in(fd);
    if (!listener) return give_up("The holder's socket cannot be made. " + describe_disk_error(listener.error()));
    spool_writer spool(fd, spec.spool_segment_bytes, spec.spool_bytes_max);
    if (spool.room() == 0) return give_up("There is no place for the session's output. " + spool.trouble());
    auto claude = start_child(spec);
    if (!claude) return give_up(std::move(claude.error()));
    return holder::resources{std::move(*directory), std::move(*lock), std::move(*listener),
                             std::move(signals),    std::move(spool), std::move(*claude)};
}

std::optional<holder> prepare() {
    const auto text = read_spec();
    if (!text) {
        report(std::unexpected(text.error()));
        return std::nullopt;
    }
    const auto spec = parse_spawn_spec(*text);
    if (!spec) {
        report(start_failure(spec.error()));
        return std::nullopt;
    }
    auto started = start(*spec);
    if (!started) {
        report(std::unexpected(started.error()));
        return std::nullopt;
    }
    report(started->claude.pid);
    return std::optional<holder>(std::in_place, *spec, std::move(*started));
}

}  // namespace

int hold_main() {
    ::umask(077);
    // Fixed, or glibc raises it after the first large line and keeps the memory of all later ones.
    ::mallopt(M_MMAP_THRESHOLD, 64 << 10);
    ::syscall(SYS_close_range, 3u, ~0u, 0u);
    // The starter waits for a child that is over at once; the holder itself becomes init's, so that nobody has to
    // reap it.
    const pid_t forked = ::fork();
    if (forked != 0) ::_exit(forked > 0 ? 0 : 1);

    ::prctl(PR_SET_NAME, "codez-hold");
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (::chdir("/") != 0) return 1;
    auto h = prepare();
    let_go_of_stdio();
    if (!h) return 1;
    ::malloc_trim(0);  // the spec's JSON and environment
    h->run();
    return 0;
}

}  // namespace agent::hold
