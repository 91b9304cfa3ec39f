#include "agent/local/peer_session.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace agent::local {
namespace {

// A child of this test that waits to be ended.
class child {
public:
    explicit child(const std::function<void()>& first = [] {}) {
        int ready[2];
        EXPECT_EQ(::pipe(ready), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            first();
            std::ignore = ::write(ready[1], "x", 1);
            for (;;) ::pause();
        }
        char byte = 0;
        EXPECT_EQ(::read(ready[0], &byte, 1), 1);
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    pid_t pid() const { return pid_; }

private:
    pid_t pid_ = 0;
};

struct connection {
    connection() {
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof own;
        EXPECT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
        EXPECT_EQ(::listen(listening, 1), 0);
        EXPECT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&own), &size), 0);
        EXPECT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
        sockaddr_in from{};
        EXPECT_EQ(::getsockname(client, reinterpret_cast<sockaddr*>(&from), &size), 0);
        peer_side = {"127.0.0.1", ntohs(from.sin_port)};
        own_side = {"127.0.0.1", ntohs(own.sin_port)};
    }
    ~connection() {
        ::close(client);
        ::close(listening);
    }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    int listening = ::socket(AF_INET, SOCK_STREAM, 0);
    int client = ::socket(AF_INET, SOCK_STREAM, 0);
    socket_address peer_side;
    socket_address own_side;
};

TEST(PeerSession, AProcessIsInTheSessionWhoseClaudeOrHolderIsAboveIt) {
    const child claude;
    const child sibling;
    EXPECT_EQ(session_of(claude.pid(), {{claude.pid(), {"s", 1}}}).session_id, "s");
    EXPECT_EQ(session_of(claude.pid(), {{claude.pid(), {"s", 1}}}).depth, 1);
    EXPECT_EQ(session_of(claude.pid(), {}).session_id, "");
    EXPECT_TRUE(session_of(claude.pid(), {}).found);
    // This test is the parent of that claude, as a holder is: what detached itself from claude hangs below the holder.
    EXPECT_EQ(session_of(sibling.pid(), {{claude.pid(), {"s", 1}}}).session_id, "s");
    const child elsewhere;
    EXPECT_EQ(session_of(::getppid(), {{elsewhere.pid(), {"s", 1}}}).session_id, "");
}

TEST(PeerSession, TheProgramIsFoundByItsSocket) {
    const connection made;
    peer_sessions none([] { return std::map<pid_t, running_claude>(); });
    const auto outside = none.find(made.peer_side, made.own_side);
    EXPECT_TRUE(outside.found);
    EXPECT_EQ(outside.session_id, "");
    EXPECT_FALSE(none.find({"127.0.0.1", 1}, made.own_side).found);

    peer_sessions ours([] { return std::map<pid_t, running_claude>{{::getpid(), {"s", 1}}}; });
    EXPECT_EQ(ours.find(made.peer_side, made.own_side).session_id, "s");
}

TEST(PeerSession, ASocketThatASessionSharesIsTheSessions) {
    const connection made;
    const child heir;  // inherited the connection
    peer_sessions sessions([&] { return std::map<pid_t, running_claude>{{heir.pid(), {"s", 1}}}; });
    EXPECT_EQ(sessions.find(made.peer_side, made.own_side).session_id, "s");
}

TEST(PeerSession, AConnectionIsLookedUpOnce) {
    const connection made;
    int asked = 0;
    peer_sessions sessions([&] {
        ++asked;
        return std::map<pid_t, running_claude>();
    });
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(sessions.find(made.peer_side, made.own_side).found);
    EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace agent::local
