// In which session the program at the other end of a loopback connection runs. A session's tools are descendants of the
// holder that keeps its claude (a subreaper, so that also those which detach themselves stay below it), and so is
// whoever they start. Found by the socket's inode in /proc/PID/fd: some milliseconds, so it is done once a connection.
// One thread; blocking.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>

#include <sys/types.h>

#include "agent/local/peer_user.hpp"

namespace agent::local {

// A claude of ours that runs now.
struct running_claude {
    std::string session_id;
    int depth = 0;  // how many sessions the calls of its tools come through
};

struct caller_session {
    bool found = false;      // the program was found
    std::string session_id;  // it runs in this session; empty: in none
    int depth = 0;
};

class peer_sessions {
public:
    using claudes = std::function<std::map<pid_t, running_claude>()>;

    explicit peer_sessions(claudes running) : running_(std::move(running)) {}

    caller_session find(const socket_address& peer, const socket_address& own);

private:
    struct known {
        std::uint64_t inode = 0;
        caller_session caller;
    };

    claudes running_;
    std::list<known> known_;  // the newest first; bounded
};

// The same for one process: in which session it runs.
caller_session session_of(pid_t pid, const std::map<pid_t, running_claude>& running);

}  // namespace agent::local
