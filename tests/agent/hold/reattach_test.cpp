// Agents come and go, are killed, or find their holder killed: every line exactly once, and nothing is left running.
#include <csignal>
#include <fstream>
#include <random>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/agent/hold/hold_fixture.hpp"

namespace agent::hold::test {
namespace {

class reattach_test : public hold_fixture {
protected:
    pid_t child_in(const std::string& answer) { return static_cast<pid_t>(std::stol(answer.substr(6))); }
};

TEST_F(reattach_test, every_line_comes_exactly_once_over_many_detachments) {
    auto s = spec();
    s.spool_segment_bytes = 4096;  // many segments
    auto c = start(s);
    const auto claude = c->claude_pid();
    constexpr int count = 20'000;
    tell(*c, "emit " + std::to_string(count));
    std::mt19937 random(7);
    std::uint64_t offset = 0;
    for (int i = 0; i < count;) {
        const int until = std::min<int>(count, i + 1 + static_cast<int>(random() % 700));
        for (; i < until; ++i) {
            const auto got = read(*c);
            ASSERT_EQ(got.text, "line " + std::to_string(i));
            ASSERT_EQ(got.end_offset, offset + got.text.size() + 1);
            offset = got.end_offset;
        }
        if (random() % 2) c->acknowledge(offset);
        if (random() % 2) c.reset();  // sometimes the new agent comes while the old one is still there
        c = attach_at(offset);
        ASSERT_EQ(c->claude_pid(), claude);
    }
    EXPECT_EQ(ask(*c, "still well"), "echo still well");
}

TEST_F(reattach_test, lines_written_while_no_agent_is_there_wait_in_the_spool) {
    auto c = start();
    tell(*c, "emit 10");
    tell(*c, "exit 5");
    c.reset();
    c = attach_at(0);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(read(*c).text, "line " + std::to_string(i));
    EXPECT_EQ(read_error(*c).code, hold_errc::ended);
    EXPECT_EQ(c->exit_status()->code, 5);
}

TEST_F(reattach_test, a_newer_agent_replaces_the_older_which_is_told) {
    const auto old_agent = start();
    const auto new_agent = attach_at(0);
    const auto error = read_error(*old_agent);
    EXPECT_EQ(error.code, hold_errc::failed) << "not gone: the session is well";
    EXPECT_NE(error.message.find("Another agent"), std::string::npos);
    EXPECT_FALSE(run(old_agent->write_line("from the old one")));
    EXPECT_EQ(ask(*new_agent, "from the new one"), "echo from the new one");
}

TEST_F(reattach_test, positions_that_the_spool_does_not_have_are_refused) {
    auto s = spec();
    s.spool_segment_bytes = 4096;
    const auto c = start(s);
    tell(*c, "emit 2000");
    std::uint64_t offset = 0;
    for (int i = 0; i < 2000; ++i) offset = read(*c).end_offset;
    const auto beyond = run(attach(io_.get_executor(), s.directory, offset + 1));
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().code, hold_errc::failed);
    const auto again = attach_at(offset);
    again->acknowledge(offset);
    EXPECT_EQ(ask(*again, "so the acknowledgement came"), "echo so the acknowledgement came");
    const auto deleted = run(attach(io_.get_executor(), s.directory, 0));
    ASSERT_FALSE(deleted);
    EXPECT_EQ(deleted.error().code, hold_errc::failed);
}

TEST_F(reattach_test, a_killed_holder_takes_claude_along_and_leaves_every_complete_line) {
    auto s = spec();
    s.spool_segment_bytes = 4096;
    const auto c = start(s);
    const auto claude = c->claude_pid();
    const auto child = child_in(ask(*c, "grandchild"));
    const auto detached = child_in(ask(*c, "detached"));
    tell(*c, "emit 3000");
    tell(*c, "partial half of a line");
    std::uint64_t offset = 0;
    for (int i = 0; i < 1500; ++i) offset = read(*c).end_offset;
    // All of it is in the spool when the last complete line is.
    wait_until([&] { return read_orphaned_spool(s.directory, offset).size() == 1500; });

    ::kill(holder_of(*c), SIGKILL);
    for (int i = 1500; i < 3000; ++i) ASSERT_EQ(read(*c).text, "line " + std::to_string(i));
    EXPECT_EQ(read_error(*c).code, hold_errc::gone);
    EXPECT_FALSE(run(c->write_line("to nobody")));
    wait_until([&] { return !is_alive(claude); });

    const auto again = run(attach(io_.get_executor(), s.directory, 0));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, hold_errc::gone);
    const auto orphaned = read_orphaned_spool(s.directory, offset);
    ASSERT_EQ(orphaned.size(), 1500u);
    EXPECT_EQ(orphaned.back().text, "line 2999");
    EXPECT_FALSE(read_exit_info(s.directory));

    EXPECT_TRUE(is_alive(child));
    EXPECT_TRUE(is_alive(detached));
    EXPECT_GE(end_leftovers(session_id_), 2);
    EXPECT_FALSE(is_alive(child));
    EXPECT_FALSE(is_alive(detached));
    EXPECT_EQ(end_leftovers(session_id_), 0);

    // The lock is free and the dead holder's files do not disturb its successor.
    const auto successor = start(s);
    EXPECT_EQ(ask(*successor, "anew"), "echo anew");
}

TEST_F(reattach_test, a_write_under_way_when_the_holder_is_killed_is_not_called_written) {
    const auto c = start();
    EXPECT_EQ(ask(*c, "stop_reading"), "deaf");
    std::optional<std::expected<void, hold_error>> result;
    asio::co_spawn(io_, c->write_line(std::string(1 << 20, 'x')),
                   [&](std::exception_ptr, std::expected<void, hold_error> r) { result = std::move(r); });
    ::kill(holder_of(*c), SIGKILL);
    run_until([&] { return result.has_value(); });
    ASSERT_FALSE(*result);
    EXPECT_EQ(result->error().code, hold_errc::gone);
}

TEST_F(reattach_test, a_client_destroyed_while_a_line_is_awaited_detaches_cleanly) {
    auto c = start();
    std::optional<std::expected<line, hold_error>> result;
    asio::co_spawn(io_, c->next_line(),
                   [&](std::exception_ptr, std::expected<line, hold_error> r) { result = std::move(r); });
    io_.poll();
    c.reset();
    run_until([&] { return result.has_value(); });
    EXPECT_FALSE(*result);
    EXPECT_EQ(ask(*attach_at(0), "well"), "echo well");
}

TEST_F(reattach_test, nobody_there_is_gone_and_has_no_lines) {
    const auto nothing = run(attach(io_.get_executor(), root_ / "never", 0));
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, hold_errc::gone);
    EXPECT_TRUE(read_orphaned_spool(root_ / "never", 0).empty());
    std::filesystem::create_directory(root_ / "holder");
    const auto empty = run(attach(io_.get_executor(), root_ / "holder", 0));
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().code, hold_errc::gone);
}

TEST_F(reattach_test, only_the_exact_marker_is_a_leftover_and_never_this_process_or_its_ancestors) {
    const auto run_with = [](const std::string& variable) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            std::string entry = variable;
            std::string name = "sleep";
            std::string time = "1000";
            char* const argv[] = {name.data(), time.data(), nullptr};
            char* const envp[] = {entry.data(), nullptr};
            ::execve("/bin/sleep", argv, envp);
            ::_exit(1);
        }
        // Not before the exec is over does it have the environment that it was given.
        wait_until([&] {
            std::ifstream environment("/proc/" + std::to_string(pid) + "/environ");
            std::string first;
            return std::getline(environment, first, '\0') && first == variable;
        });
        return pid;
    };
    const auto marker = std::string(session_marker) + "=" + session_id_;
    const auto longer = run_with(marker + "0");
    const auto prefixed = run_with("X" + marker);
    const auto exact = run_with(marker);
    EXPECT_EQ(end_leftovers(session_id_), 1);
    EXPECT_FALSE(is_alive(exact));
    EXPECT_TRUE(is_alive(longer));
    EXPECT_TRUE(is_alive(prefixed));
    for (const auto pid : {longer, prefixed}) ::kill(pid, SIGKILL);
    for (const auto pid : {longer, prefixed, exact}) ::waitpid(pid, nullptr, 0);
    EXPECT_EQ(end_leftovers(""), 0);

    // Run by somebody who carries the marker, as an agent that is started within a session is.
    const auto marked = start();
    EXPECT_EQ(ask(*marked, std::string("run ") + HOLD_PROGRAM + " leftovers " + session_id_), "ended 0");
    EXPECT_EQ(ask(*marked, "alive"), "echo alive");
}

}  // namespace
}  // namespace agent::hold::test
