// Runs the git program, bounded in time and output, so that no configuration makes it start another one: no hooks, no
// filters of a user's or the system's, no pager, no file-system monitor, no transport. What a repository's own
// configuration may still start (filters, textconv) is the caller's matter: see snapshot. Blocking: on a pool thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "proto/error.hpp"
#include "proto/limits.hpp"

namespace agent::git {

using deadline = std::chrono::steady_clock::time_point;

struct command {
    std::filesystem::path directory;  // where it runs
    std::vector<std::string> arguments;
    // Instead of the repository that is found from the directory; both or none.
    std::filesystem::path git_dir{};
    std::filesystem::path work_tree{};
    std::string input{};
    std::size_t output_bytes_max = proto::limits::git_output_bytes_max;
};

struct finished {
    int status = 0;  // of its exit
    std::string output;
    std::string errors;  // the beginning of what it wrote to stderr
    bool cut = false;    // there was more output: it was ended, and `status` says nothing
};

// Any exit is a result. The errors: git is not installed, cannot be started, or took too long.
proto::result<finished> run(const command& what, deadline until);

// The output of a command that must succeed whole. `doing` is what the sentence of the error says: "list the files".
proto::result<std::string> output_of(const command& what, deadline until, std::string_view doing);

}  // namespace agent::git
