// How a held session begins and ends: what fails to start, how it exits, how it is ended, what is left of it.
#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/hold/leftovers.hpp"
#include "tests/agent/hold/hold_fixture.hpp"

namespace agent::hold::test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class holder_life_test : public hold_fixture {
protected:
    hold_error start_error(spawn_spec s) {
        auto started = run(spawn(io_.get_executor(), HOLD_PROGRAM, std::move(s)));
        if (started) throw std::runtime_error("it started");
        return started.error();
    }
    std::string start_complaint(spawn_spec s) {
        const auto error = start_error(std::move(s));
        EXPECT_EQ(error.code, hold_errc::start_failed);
        return error.message;
    }
    pid_t child_in(const std::string& answer) { return static_cast<pid_t>(std::stol(answer.substr(6))); }
    bool lock_is_free() const {
        const int fd = ::open((root_ / "lock").c_str(), O_RDWR | O_CLOEXEC);
        const bool free = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
        ::close(fd);
        return free;
    }
};

TEST_F(holder_life_test, what_cannot_start_says_why_and_leaves_nothing) {
    auto s = spec();
    s.argv[0] = (root_ / "missing").string();
    EXPECT_EQ(start_complaint(s), s.argv[0] + " was not found, or the interpreter that its first line names was not.");
    EXPECT_FALSE(std::filesystem::exists(s.directory));

    std::ofstream(root_ / "text") << "x";
    s.argv[0] = (root_ / "text").string();
    EXPECT_EQ(start_complaint(s), s.argv[0] + " is not executable by this user.");

    std::filesystem::permissions(root_ / "text", std::filesystem::perms::owner_all);
    EXPECT_EQ(start_complaint(s), s.argv[0] + " is not a program that this machine can run.");

    s = spec();
    s.cwd = root_ / "nowhere";
    EXPECT_EQ(start_complaint(s), "The working directory " + s.cwd.string() + " does not exist.");

    s = spec();
    s.argv = {"relative"};
    EXPECT_NE(start_complaint(s).find("absolute"), std::string::npos);

    s = spec();
    s.argv.push_back(std::string(200'000, 'x'));  // one argument may have 128 KiB (execve(2))
    EXPECT_EQ(start_complaint(s), "claude's arguments and environment are too long for this system.");
    EXPECT_TRUE(lock_is_free());
    EXPECT_TRUE(end_marked(session_id_).empty());
}

TEST_F(holder_life_test, a_binary_that_is_no_holder_is_a_failed_start) {
    auto wrong = run(spawn(io_.get_executor(), "/nonexistent/codez", spec()));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, hold_errc::start_failed);
    wrong = run(spawn(io_.get_executor(), "/bin/true", spec()));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, hold_errc::start_failed);
}

TEST_F(holder_life_test, a_second_start_of_a_session_is_locked_and_disturbs_nothing) {
    const auto c = start();
    EXPECT_EQ(start_error(spec()).code, hold_errc::locked);
    auto elsewhere = spec();
    elsewhere.directory = root_ / "other";
    EXPECT_EQ(start_error(elsewhere).code, hold_errc::locked);
    auto other_session = spec();
    other_session.lock_file = root_ / "lock2";
    EXPECT_EQ(start_error(other_session).code, hold_errc::locked);
    EXPECT_EQ(ask(*c, "still there"), "echo still there");
}

TEST_F(holder_life_test, exit_codes_and_signals_are_told_with_the_end_of_stderr) {
    auto c = start();
    tell(*c, "stderr_bytes 100000");
    tell(*c, "exit 42");
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    ASSERT_TRUE(c->exit_status());
    EXPECT_EQ(c->exit_status()->code, 42);
    EXPECT_FALSE(c->exit_status()->signal);
    EXPECT_LE(c->exit_status()->stderr_tail.size(), 16u << 10);
    EXPECT_TRUE(c->exit_status()->stderr_tail.ends_with("elast words\n"));
    const auto stored = read_exit_info(root_ / "holder");
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->code, 42);
    EXPECT_EQ(read_error(*c).code, hold_errc::ended) << "it stays ended";
    run(c->release());

    c = start();
    tell(*c, "kill_self " + std::to_string(SIGUSR1));
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_EQ(c->exit_status()->signal, SIGUSR1);
    EXPECT_FALSE(c->exit_status()->code);
}

TEST_F(holder_life_test, all_output_comes_before_the_end_and_a_half_line_at_the_end_does_not) {
    const auto c = start();
    tell(*c, "emit 5000");
    tell(*c, "partial half");
    tell(*c, "exit 0");
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(read(*c).text, "line " + std::to_string(i));
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
}

TEST_F(holder_life_test, release_removes_every_file_and_the_holder) {
    const auto c = start();
    const auto holder = holder_of(*c);
    tell(*c, "stderr oops");
    tell(*c, "exit 0");
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_TRUE(std::filesystem::exists(root_ / "holder" / "exit.json"));
    EXPECT_TRUE(lock_is_free()) << "a session may be resumed as soon as its claude is gone";
    run(c->release());
    EXPECT_FALSE(std::filesystem::exists(root_ / "holder"));
    wait_until([&] { return !is_alive(holder); });
}

TEST_F(holder_life_test, release_of_a_running_session_is_refused) {
    const auto c = start();
    const auto holder = holder_of(*c);
    run(c->release());
    EXPECT_EQ(read_error(*c).code, hold_errc::failed);
    EXPECT_TRUE(is_alive(holder));
    EXPECT_EQ(ask(*attach_at(0), "well"), "echo well");
}

TEST_F(holder_life_test, end_closes_stdin_first_after_the_lines_that_wait) {
    const auto c = start();
    tell(*c, "emit 3");
    c->end(minutes(5));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(read(*c).text, "line " + std::to_string(i));
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_EQ(c->exit_status()->code, 0);
    const auto late = run(c->write_line("too late"));
    ASSERT_FALSE(late);
}

TEST_F(holder_life_test, end_sends_sigterm_then_sigkill_to_what_does_not_go) {
    auto c = start();
    EXPECT_EQ(ask(*c, "ignore_eof"), "ignoring");
    c->end(std::chrono::milliseconds(20));
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_EQ(c->exit_status()->signal, SIGTERM);
    run(c->release());

    c = start();
    EXPECT_EQ(ask(*c, "ignore_eof"), "ignoring");
    EXPECT_EQ(ask(*c, "ignore_term"), "ignoring");
    c->end(std::chrono::milliseconds(20));
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_EQ(c->exit_status()->signal, SIGKILL);
}

TEST_F(holder_life_test, a_second_end_brings_the_first_one_forward) {
    const auto c = start();
    EXPECT_EQ(ask(*c, "ignore_eof"), "ignoring");
    EXPECT_EQ(ask(*c, "ignore_term"), "ignoring");
    c->end(std::chrono::hours(10));
    c->end(seconds(0));
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_EQ(c->exit_status()->signal, SIGKILL);
}

TEST_F(holder_life_test, what_claude_leaves_running_is_ended_with_it) {
    const auto c = start();
    const auto child = child_in(ask(*c, "grandchild"));
    const auto detached = child_in(ask(*c, "detached"));
    ASSERT_TRUE(is_alive(child));
    ASSERT_TRUE(is_alive(detached));
    tell(*c, "exit 3");
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_EQ(c->exit_status()->code, 3);
    EXPECT_FALSE(is_alive(child));
    EXPECT_FALSE(is_alive(detached));
}

TEST_F(holder_life_test, a_holder_without_an_agent_ends_its_session_when_the_lease_is_over_and_keeps_the_files) {
    auto s = spec();
    s.lease = seconds(1);
    auto c = start(s);
    const auto claude = c->claude_pid();
    const auto holder = holder_of(*c);
    tell(*c, "emit 2");
    c.reset();
    wait_until([&] { return !is_alive(claude) && !is_alive(holder); });
    EXPECT_EQ(read_orphaned_spool(s.directory, 0).size(), 2u);
    ASSERT_TRUE(read_exit_info(s.directory));
    EXPECT_EQ(read_exit_info(s.directory)->code, 0);
    const auto again = run(attach(io_.get_executor(), s.directory, 0));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, hold_errc::gone);
}

TEST_F(holder_life_test, sigterm_to_the_holder_ends_the_session_in_order) {
    const auto c = start();
    const auto holder = holder_of(*c);
    const auto detached = child_in(ask(*c, "detached"));
    ::kill(holder, SIGHUP);
    EXPECT_EQ(ask(*c, "a hang-up is ignored"), "echo a hang-up is ignored");
    ::kill(holder, SIGTERM);
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_EQ(c->exit_status()->code, 0);
    wait_until([&] { return !is_alive(holder); });
    EXPECT_FALSE(is_alive(detached));
    EXPECT_TRUE(read_exit_info(root_ / "holder"));
}

TEST_F(holder_life_test, claude_gets_its_environment_the_marker_the_lock_and_nothing_else) {
    ::setenv("HOLD_TEST_SECRET", "x", 1);
    const int inherited = ::open("/dev/null", O_RDONLY);
    auto s = spec();
    s.env["GIVEN"] = "yes";
    const auto c = start(s);
    EXPECT_EQ(ask(*c, "getenv HOLD_TEST_SECRET"), "(unset)");
    EXPECT_EQ(ask(*c, "getenv GIVEN"), "yes");
    EXPECT_EQ(ask(*c, std::string("getenv ") + session_marker), session_id_);
    const auto fds = ask(*c, "count_fds");
    EXPECT_EQ(std::ranges::count(fds, ' '), 1) << fds << " should be the lock alone";
    std::ifstream environment("/proc/" + std::to_string(holder_of(*c)) + "/environ");
    EXPECT_EQ(environment.get(), EOF) << "the holder has no environment";
    ::close(inherited);
    ::unsetenv("HOLD_TEST_SECRET");
}

TEST_F(holder_life_test, nobody_else_can_look_into_the_directory_however_deep_it_is) {
    auto s = spec();
    s.directory = root_ / std::string(100, 'd') / std::string(100, 'e') / "holder";
    const auto c = start(s);
    EXPECT_GT(s.directory.string().size(), sizeof(sockaddr_un::sun_path));
    EXPECT_EQ(ask(*c, "deep"), "echo deep");
    struct stat status{};
    ASSERT_EQ(::stat(s.directory.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700u);
    for (const auto& entry : std::filesystem::directory_iterator(s.directory)) {
        ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777, 0600u) << entry.path();
    }
}

TEST_F(holder_life_test, the_agent_keeps_no_zombie_and_the_holder_is_not_its_child) {
    const auto c = start();
    EXPECT_NE(holder_of(*c), -1);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace agent::hold::test
