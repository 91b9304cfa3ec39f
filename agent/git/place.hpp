// Where a directory's git work tree and repository are, as git itself finds them. Blocking: on a pool thread.
#pragma once

#include <filesystem>
#include <string>

#include "agent/git/command.hpp"

namespace agent::git {

struct place {
    std::filesystem::path root;        // of the work tree
    std::filesystem::path git_dir;     // of this work tree
    std::filesystem::path common_dir;  // of the repository: the same, unless this is a linked work tree
    std::string object_format;         // sha1, sha256
    std::string head;                  // the commit; empty: none yet
};

// invalid_argument if the directory is in no work tree.
proto::result<place> find_place(const std::filesystem::path& directory, deadline until);

}  // namespace agent::git
