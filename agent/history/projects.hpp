// The projects and sessions that Claude Code left on the disk under <config>/projects. Blocking file reads: call it
// on a pool thread. Robust against whatever lies there: only regular files are opened, never through a symlink, and
// of each only a bounded head and tail is read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/error.hpp"

namespace agent::history {

struct project {
    std::string slug;
    std::string path;  // the cwd found in its newest transcript; empty if none tells it
    std::int64_t session_count = 0;
    std::int64_t updated_at = 0;  // Unix ms, of its newest transcript
    std::string repo_name;        // of the git repository at path; empty: none
    std::string worktree_label;   // if path is a linked git worktree
};

struct session {
    std::string id;
    std::string slug;
    std::string cwd;
    std::string title;  // custom title, else the first prompt, shortened; empty if it has neither
    std::int64_t created_at = 0;
    std::int64_t updated_at = 0;
    std::int64_t last_message_at = 0;  // 0: no message
};

// CLAUDE_CONFIG_DIR if set and absolute, else $HOME/.claude; values come from the agent's configuration.
std::filesystem::path config_directory(const std::string& claude_config_dir, const std::string& home);

// May this be the folder name of a project, i.e. is it safe as one path component?
bool is_slug(std::string_view slug);

// Newest first, at most 2000.
std::vector<project> list_projects(const std::filesystem::path& config);

// Newest first; at most `limit`. not_found if there is no such project.
proto::result<std::vector<session>> list_sessions(const std::filesystem::path& config, const std::string& slug,
                                                  std::size_t limit = 500);

// One session by its id, which must be a UUID. With an empty slug all projects are looked through.
proto::result<session> find_session(const std::filesystem::path& config, const std::string& slug,
                                    const std::string& id);

std::filesystem::path transcript_path(const std::filesystem::path& config, const std::string& slug,
                                      const std::string& id);

}  // namespace agent::history
