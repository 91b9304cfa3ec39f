#include "tests/agent/hold/hold_fixture.hpp"

#include <csignal>
#include <fstream>
#include <stdexcept>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/hold/hold_main.hpp"

namespace agent::hold::test {
namespace {

constexpr std::chrono::minutes hang_bound(2);

// "PID (name) S PPID …" of proc(5), after the name.
std::string stat_after_name(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    const auto end = text.rfind(')');
    return end == std::string::npos ? "" : text.substr(end + 2);
}

}  // namespace

hold_fixture::hold_fixture() {
    std::string name = "/tmp/hold-test-XXXXXX";
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
    root_ = name;
    session_id_ = "5e551017-0000-4000-8000-" + name.substr(name.size() - 6);
}

hold_fixture::~hold_fixture() {
    for (const auto& holder : holders_) {
        ::syscall(SYS_pidfd_send_signal, holder.get(), SIGKILL, nullptr, 0);
        pollfd over{holder.get(), POLLIN, 0};
        ::poll(&over, 1, 10'000);  // it must not remove its files while we do
    }
    end_leftovers(session_id_);
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
}

spawn_spec hold_fixture::spec() const {
    spawn_spec s;
    s.session_id = session_id_;
    s.directory = root_ / "holder";
    s.lock_file = root_ / "lock";
    s.argv = {FAKE_CLAUDE};
    s.env = {{"PATH", "/usr/bin:/bin"}};
    s.cwd = root_;
    // A holder that a failed test leaves behind ends by itself.
    s.lease = std::chrono::seconds(120);
    return s;
}

void hold_fixture::run(asio::awaitable<void> work) {
    bool done = false;
    std::exception_ptr thrown;
    asio::co_spawn(io_, std::move(work), [&](std::exception_ptr e) {
        thrown = e;
        done = true;
    });
    run_until([&] { return done; });
    if (thrown) std::rethrow_exception(thrown);
}

void hold_fixture::run_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + hang_bound;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the condition never came true");
        io_.restart();
        // Short, because some conditions are about other processes and wake nothing here.
        io_.run_one_for(std::chrono::milliseconds(20));
    }
}

std::unique_ptr<client> hold_fixture::start() { return start(spec()); }

std::unique_ptr<client> hold_fixture::start(spawn_spec s) {
    auto started = run(spawn(io_.get_executor(), HOLD_PROGRAM, std::move(s)));
    if (!started) throw std::runtime_error(started.error().message);
    holders_.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, holder_of(**started), 0)));
    return std::move(*started);
}

std::unique_ptr<client> hold_fixture::attach_at(std::uint64_t offset) {
    auto attached = run(attach(io_.get_executor(), root_ / "holder", offset));
    if (!attached) throw std::runtime_error(attached.error().message);
    return std::move(*attached);
}

void hold_fixture::tell(client& c, const std::string& text) {
    const auto told = run(c.write_line(text));
    if (!told) throw std::runtime_error(told.error().message);
}

line hold_fixture::read(client& c) {
    auto got = run(c.next_line());
    if (!got) throw std::runtime_error(got.error().message);
    return std::move(*got);
}

std::string hold_fixture::ask(client& c, const std::string& text) {
    tell(c, text);
    return read(c).text;
}

hold_error hold_fixture::read_error(client& c) {
    auto got = run(c.next_line());
    if (got) throw std::runtime_error("a line instead of an error: " + got->text.substr(0, 80));
    return std::move(got.error());
}

pid_t hold_fixture::holder_of(const client& c) const {
    const auto stat = stat_after_name(c.claude_pid());
    return stat.size() > 2 ? static_cast<pid_t>(std::stol(stat.substr(2))) : -1;
}

bool is_alive(pid_t pid) {
    const auto stat = stat_after_name(pid);
    return !stat.empty() && stat[0] != 'Z' && stat[0] != 'X';
}

void wait_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + hang_bound;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the condition never came true");
        ::poll(nullptr, 0, 5);
    }
}

}  // namespace agent::hold::test
