// Finds and ends what a session left running: processes with its marker in their environment, and descendants of the
// holder, its only child being claude. Blocking reads of /proc, some milliseconds. No thread affinity.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace agent::hold {

// One pass; kills every match by SIGKILL and returns their pids. Call it until it finds none: a process may fork
// while the list is read. Never this process or an ancestor of it.
std::vector<pid_t> end_marked(const std::string& session_id);
// One pass over the descendants of this process.
std::vector<pid_t> end_descendants();

}  // namespace agent::hold
