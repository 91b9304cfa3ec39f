// A work tree as it is now, as a git tree object: what is committed, changed and new. It is made in a repository directory
// of its own, with an index and an object store of its own that borrows the real one's objects: the real repository is
// not written to, and its configuration is not read, so none of its filters, hooks or monitors runs. Blocking.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "agent/git/place.hpp"

namespace agent::git {

// What `git init` makes, in an empty or absent directory, without templates and without what somebody configured for it.
// False: it cannot be written.
bool make_repository(const place& of, const std::filesystem::path& directory,
                     const std::vector<std::filesystem::path>& borrowed);

// Is the path, absolute, anybody's business? What is not stays as the index has it.
using path_filter = std::function<bool(const std::filesystem::path&)>;

struct snapshot {
    std::string tree;                  // the tree object's id
    std::vector<std::string> skipped;  // too large, or too many: relative to the root; at most 100
    bool more_skipped = false;
};

// `directory` is made, to be removed by the caller also after a failure. `borrowed`: more object stores.
proto::result<snapshot> take_snapshot(const place& of, const std::filesystem::path& directory,
                                      const std::vector<std::filesystem::path>& borrowed, const path_filter& opens,
                                      deadline until);

}  // namespace agent::git
