// Finds and ends what a session left running: processes with its marker in their environment, and descendants of the
// holder, its only child being claude. Blocking reads of /proc, some milliseconds. No thread affinity.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace agent::hold {

// A process of this boot: a pid alone may be another's by now.
struct process_id {
    pid_t pid = 0;
    std::uint64_t start_time = 0;  // ticks since boot
    auto operator<=>(const process_id&) const = default;
};

// One pass; kills every match by SIGKILL and returns them. Call it until it finds none: a process may fork
// while the list is read. Never this process or an ancestor of it.
std::vector<process_id> end_marked(const std::string& session_id);
// One pass over the descendants of this process.
std::vector<process_id> end_descendants();

}  // namespace agent::hold
