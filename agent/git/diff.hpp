// What changed in a session's work tree since the session was made. The state of then is kept beside the agent's own: the
// tree's id and the objects that the repository itself does not have. Blocking: on a pool thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/git/snapshot.hpp"

namespace agent::git {

struct changed_file {
    std::string path;                       // relative to the root
    std::string old_path;                   // of a renamed one
    char status = 'M';                      // A added, D deleted, M modified, R renamed, T of another type
    std::optional<std::int64_t> additions;  // none: binary
    std::optional<std::int64_t> deletions;
};

struct difference {
    std::filesystem::path root;
    std::string head;       // now
    std::string base_head;  // then; of base "head" the same
    std::int64_t base_at_ms = 0;
    bool since_session = false;  // false: only what is not committed; base_note says why
    std::string base_note;
    std::vector<changed_file> files;
    bool more_files = false;
    std::string patch;
    bool patch_cut = false;
    std::vector<std::string> skipped;
    bool more_skipped = false;
};

struct diff_request {
    std::filesystem::path directory;  // the session's, checked by the policy
    std::string path;                 // only this file or directory, relative to the root; empty: all
    bool with_patch = true;
    std::size_t patch_bytes_max = proto::limits::diff_bytes_default;
};

class diff_bases {
public:
    // `directory`: of the agent's state; made when it is needed.
    explicit diff_bases(std::filesystem::path directory) : directory_(std::move(directory)) {}

    // Keeps how the work tree is now; not in a work tree: does nothing. What goes wrong is kept too, for the diff to tell.
    void record(const std::string& session_id, const std::filesystem::path& session_directory, const path_filter& opens,
                deadline until) const;
    bool has(const std::string& session_id) const;

    proto::result<difference> compare(const std::string& session_id, const diff_request& request,
                                      const path_filter& opens, deadline until) const;

private:
    void forget_oldest() const;

    std::filesystem::path directory_;
};

}  // namespace agent::git
