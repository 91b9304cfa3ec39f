// Linked work trees (git-worktree(1)) for sessions: one directory and one branch each. The files are written without the
// repository's configuration, so none of its filters or hooks runs; of git-lfs there are pointers. Blocking: on a pool
// thread.
#pragma once

#include <filesystem>
#include <string>

#include "agent/git/place.hpp"

namespace agent::git {

struct new_worktree {
    std::filesystem::path directory;  // must not exist
    std::string branch;               // must not exist
    std::string base;                 // a commit, by any of its names; empty: HEAD
};

// `scratch`: a directory of the agent's, for what is needed meanwhile. On failure nothing of it is left.
proto::result<void> add_worktree(const place& of, const new_worktree& what, const std::filesystem::path& scratch,
                                 deadline until);

// Removes the work tree if no changed or new file is in it; what git ignores goes with it, the branch and its commits
// stay. False: it is not clean, and stays as it is.
proto::result<bool> remove_clean_worktree(const std::filesystem::path& directory, const std::filesystem::path& scratch,
                                          deadline until);

// Takes back what add_worktree() made and nobody has used: the work tree if it is clean, and the branch if it still is
// where it began. What goes wrong is not told.
void discard_worktree(const place& of, const new_worktree& what, const std::filesystem::path& scratch, deadline until);

}  // namespace agent::git
