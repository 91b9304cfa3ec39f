// Which running claude has a session open now: Claude Code's own registry, <config>/sessions/<pid>.json (an
// internal format, so whatever cannot be read counts as not there). Blocking, a few small files.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace agent::claude {

struct running_claude {
    pid_t pid = 0;
    bool interactive = false;  // in somebody's terminal
    std::string session_id;
};

// When the process was started, field 22 of proc_pid_stat(5); nullopt if there is no such process, or it has ended.
std::optional<std::string> process_start(pid_t pid);

// All that still run.
std::vector<running_claude> list_running(
    const std::filesystem::path& config,
    const std::function<std::optional<std::string>(pid_t)>& start_of = process_start);

// The claude that has the session open, if it still runs: an entry outlives a claude that was killed.
std::optional<running_claude> find_running(
    const std::filesystem::path& config, const std::string& session_id,
    const std::function<std::optional<std::string>(pid_t)>& start_of = process_start);

}  // namespace agent::claude
