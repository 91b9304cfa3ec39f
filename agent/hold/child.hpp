// Starts claude: own process group, three pipes, killed by the kernel when the holder dies. Called once by the holder
// while it has one thread. The error is a sentence for the person who asked for the session.
#pragma once

#include <expected>
#include <string>

#include <sys/types.h>

#include "agent/hold/client.hpp"
#include "agent/hold/descriptor.hpp"

namespace agent::hold {

struct child {
    pid_t pid = -1;
    descriptor in;  // non-blocking, all three
    descriptor out;
    descriptor err;
};

// Every descriptor without CLOEXEC goes along: of the holder's that is the lock only.
std::expected<child, std::string> start_child(const spawn_spec& spec);

}  // namespace agent::hold
