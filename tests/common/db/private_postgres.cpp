#include "tests/common/db/private_postgres.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pqxx/pqxx>

// libpqxx 6.4.5 leaks one libpq result when a connection breaks: connection_base::make_result() asks for the encoding,
// which throws, before anything owns the result. Drop this with libpqxx 7. Called by LeakSanitizer by this name.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx-6.4.so\n"; }

namespace tests {

namespace {

namespace fs = std::filesystem;

constexpr auto start_timeout = std::chrono::seconds(60);

// Debian keeps the server's programs out of PATH, one directory a version.
fs::path find_binaries() {
    std::vector<fs::path> found;
    std::error_code ec;
    for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ec))
        if (fs::exists(version.path() / "bin" / "initdb") && fs::exists(version.path() / "bin" / "postgres"))
            found.push_back(version.path() / "bin");
    return found.empty() ? fs::path() : *std::ranges::max_element(found);
}

// The child ends with this program, also when that crashes.
std::vector<std::string> as_server_user(std::vector<std::string> command) {
    if (::geteuid() != 0) return command;
    std::vector<std::string> all{"setpriv",       "--reuid=postgres", "--regid=postgres",
                                 "--init-groups", "--pdeathsig=QUIT", "--"};
    all.insert(all.end(), command.begin(), command.end());
    return all;
}

// stdout and stderr go to `output`.
pid_t spawn(const std::vector<std::string>& command, int output) {
    std::vector<char*> argv;
    for (const auto& a : command) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    ::dup2(output, 1);
    ::dup2(output, 2);
    if (::chdir("/") == 0) ::execvp(argv[0], argv.data());
    ::_exit(127);
}

std::string read_all(int fd) {
    std::string out;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(n));
    return out;
}

}  // namespace

private_postgres::~private_postgres() {
    stop();
    std::error_code ec;
    if (!directory_.empty()) fs::remove_all(directory_, ec);
}

std::optional<std::string> private_postgres::initialise() {
    binaries_ = find_binaries();
    if (binaries_.empty())
        return "This test needs a PostgreSQL server of its own, and there is none. Install the package postgresql.";
    std::string pattern = "/tmp/codez-pg-XXXXXX";  // short: a socket's path has 107 bytes
    if (::mkdtemp(pattern.data()) == nullptr) return "No directory for a PostgreSQL server could be made in /tmp.";
    directory_ = pattern;
    if (::geteuid() == 0) {
        const auto* account = ::getpwnam("postgres");
        if (account == nullptr) return "There is no user \"postgres\". Install the package postgresql.";
        if (::chown(directory_.c_str(), account->pw_uid, account->pw_gid) != 0) return std::strerror(errno);
    }
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) return std::strerror(errno);
    const auto data = (directory_ / "data").string();
    const pid_t pid = spawn(as_server_user({(binaries_ / "initdb").string(), "-D", data, "-U", "postgres", "-E", "UTF8",
                                            "--locale=C", "--auth=trust", "--no-sync", "--no-instructions"}),
                            out[1]);
    ::close(out[1]);
    const auto said = read_all(out[0]);
    ::close(out[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0) return "initdb failed: " + said;
    return std::nullopt;
}

std::optional<std::string> private_postgres::start() {
    if (server_ > 0) return std::nullopt;
    if (directory_.empty())
        if (auto problem = initialise()) return problem;
    int log[2];
    if (::pipe2(log, O_CLOEXEC) != 0) return std::strerror(errno);
    const auto data = (directory_ / "data").string();
    server_ = spawn(as_server_user({(binaries_ / "postgres").string(), "-D", data, "-k", directory_.string(), "-c",
                                    "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c",
                                    "max_connections=40"}),
                    log[1]);
    ::close(log[1]);
    auto problem = wait_until_ready(log[0]);
    // A server that nobody reads from would stop at a full pipe.
    log_reader_ = std::thread([fd = log[0]] {
        read_all(fd);
        ::close(fd);
    });
    if (problem) stop();
    return problem;
}

std::optional<std::string> private_postgres::wait_until_ready(int log) {
    const auto deadline = std::chrono::steady_clock::now() + start_timeout;
    std::string said;
    char buffer[4096];
    while (said.find("ready to accept connections") == std::string::npos) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd waiting{log, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0)
            return "The PostgreSQL server did not become ready: " + said;
        const ssize_t n = ::read(log, buffer, sizeof buffer);
        if (n <= 0) return "The PostgreSQL server ended: " + said;
        said.append(buffer, static_cast<std::size_t>(n));
    }
    return std::nullopt;
}

void private_postgres::stop() {
    if (server_ > 0) {
        ::kill(server_, SIGQUIT);  // "immediate shutdown"
        ::waitpid(server_, nullptr, 0);
        server_ = -1;
    }
    if (log_reader_.joinable()) log_reader_.join();
}

std::string private_postgres::url(const std::string& database) const {
    return "postgresql://postgres@/" + database + "?host=" + directory_.string();
}

std::string private_postgres::create_database() {
    const auto name = "test_" + std::to_string(++databases_);
    pqxx::connection c(url("postgres"));
    pqxx::nontransaction t(c);
    t.exec("CREATE DATABASE " + name);
    return url(name);
}

}  // namespace tests
