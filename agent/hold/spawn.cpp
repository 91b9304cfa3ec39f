#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "agent/hold/client.hpp"
#include "agent/hold/descriptor.hpp"
#include "agent/hold/start.hpp"

namespace agent::hold {
namespace {

namespace asio = boost::asio;
using socket = asio::local::stream_protocol::socket;

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds start_patience(30);
constexpr std::size_t report_bytes_max = 64u << 10;

std::unexpected<hold_error> start_failure(std::string message) {
    return std::unexpected(hold_error{hold_errc::start_failed, std::move(message)});
}

// Runs `codez hold` as the leader of a session of its own, with an empty environment: the agent's secrets are not the
// holder's, and the marker of a session that the agent itself runs in must not mark it.
std::expected<pid_t, int> run_holder(const std::filesystem::path& binary, int stdio) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, stdio, 0);
    posix_spawn_file_actions_adddup2(&actions, stdio, 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::string name = "codez";
    std::string verb = "hold";
    const std::array<char*, 3> argv{name.data(), verb.data(), nullptr};
    const std::array<char*, 1> envp{nullptr};
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, binary.c_str(), &actions, &attributes, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return std::unexpected(error);
    return pid;
}

// The whole report, or what came of it until the deadline closed the socket.
asio::awaitable<std::string> exchange(std::shared_ptr<socket> s, std::string spec) {
    const auto sent = co_await asio::async_write(*s, asio::buffer(spec), nothrow);
    boost::system::error_code ignored;
    if (!std::get<0>(sent)) s->shutdown(socket::shutdown_send, ignored);
    std::string report;
    std::array<char, 4096> piece;
    while (report.size() < report_bytes_max) {
        const auto [ec, n] = co_await s->async_read_some(asio::buffer(piece), nothrow);
        if (ec) break;
        report.append(piece.data(), n);
    }
    co_return report;
}

}  // namespace

asio::awaitable<std::expected<std::unique_ptr<client>, hold_error>> spawn(asio::any_io_executor executor,
                                                                          std::filesystem::path codez_binary,
                                                                          spawn_spec spec) {
    auto text = to_json(spec);
    if (!text) co_return start_failure(std::move(text.error()));
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        co_return start_failure("The session's holder cannot be started: too many open files.");
    const auto ours = std::make_shared<socket>(executor, asio::local::stream_protocol(), ends[0]);
    descriptor theirs(ends[1]);
    const auto pid = run_holder(codez_binary, theirs.get());
    theirs.reset();
    if (!pid)
        co_return start_failure("The session's holder cannot be started from " + codez_binary.string() + ": " +
                                std::strerror(pid.error()) + ".");

    const auto timer = std::make_shared<asio::steady_timer>(executor, start_patience);
    timer->async_wait([ours, pid = *pid](boost::system::error_code ec) {
        if (ec) return;
        ::kill(-pid, SIGKILL);  // the holder's process group; claude dies with it
        boost::system::error_code ignored;
        ours->close(ignored);
    });
    const auto report_text = co_await exchange(ours, std::move(*text));
    const bool late = timer->cancel() == 0;
    const auto report = parse_start_report(report_text);
    if (!report) ::kill(-*pid, SIGKILL);  // whatever that binary is, it must not keep us waiting now
    // The process that was started forks the holder and is over at once.
    while (::waitpid(*pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (late) co_return start_failure("The session's holder did not start within 30 seconds.");
    if (!report) co_return std::unexpected(report.error());
    auto attached = co_await attach(executor, std::move(spec.directory), 0);
    co_return attached;
}

}  // namespace agent::hold
