// What repository a working directory belongs to, told by its .git without running git. Blocking, a few small reads.
#pragma once

#include <filesystem>
#include <string>

namespace agent::history {

struct git_place {
    std::string repo_name;       // the main working tree's folder name; empty: no repository
    std::string worktree_label;  // of a linked worktree; else empty
};

git_place find_git_place(const std::filesystem::path& directory);

}  // namespace agent::history
