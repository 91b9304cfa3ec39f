#include "agent/history/git_place.hpp"

#include <string_view>
#include <system_error>

#include "agent/history/regular_file.hpp"

namespace agent::history {

namespace fs = std::filesystem;

namespace {

constexpr int parents_max = 32;
constexpr std::size_t link_bytes_max = 4096;

// "gitdir: /main/.git/worktrees/label" (gitrepository-layout(5), git-worktree(1)); a submodule's points to
// .git/modules.
git_place linked(const fs::path& git_file, const fs::path& directory) {
    git_place out{directory.filename().string(), {}};
    const auto file = regular_file::open(git_file);
    if (!file) return out;
    const std::string text = file->read(0, link_bytes_max);
    constexpr std::string_view prefix = "gitdir: ";
    if (!text.starts_with(prefix)) return out;
    const fs::path target = text.substr(prefix.size(), text.find_first_of("\r\n") - prefix.size());
    if (target.parent_path().filename() != "worktrees") return out;
    const fs::path main_git = target.parent_path().parent_path();
    if (main_git.filename() != ".git") return out;
    return {main_git.parent_path().filename().string(), target.filename().string()};
}

}  // namespace

git_place find_git_place(const fs::path& directory) {
    if (!directory.is_absolute()) return {};
    fs::path at = directory;
    for (int i = 0; i < parents_max; ++i) {
        std::error_code failed;
        const auto status = fs::symlink_status(at / ".git", failed);
        if (fs::is_directory(status)) return {at.filename().string(), {}};
        if (fs::is_regular_file(status)) return linked(at / ".git", at);
        if (at == at.root_path()) break;
        at = at.parent_path();
    }
    return {};
}

}  // namespace agent::history
