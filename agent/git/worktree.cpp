#include "agent/git/worktree.hpp"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "agent/git/scratch.hpp"
#include "agent/git/snapshot.hpp"

namespace agent::git {

namespace fs = std::filesystem;
using proto::error_code;

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

command in(const fs::path& directory, std::vector<std::string> arguments) {
    command out;
    out.directory = directory;
    out.arguments = std::move(arguments);
    return out;
}

// Writes the files of the commit, with an index that knows them.
proto::result<void> check_out(const place& tree, const fs::path& scratch, deadline until) {
    if (!make_repository(tree, scratch, {}))
        return proto::fail(error_code::resource_exhausted, fmt::format("{} cannot be written.", scratch.string()),
                           "Is the disk of the agent's state full?");
    for (auto& arguments : {std::vector<std::string>{"read-tree", tree.head}, {"checkout-index", "--all", "--index"}}) {
        auto step = in(tree.root, arguments);
        step.git_dir = scratch;
        step.work_tree = tree.root;
        auto done = output_of(step, until, "write the files of the new work tree");
        if (!done) return std::unexpected(std::move(done.error()));
    }
    std::error_code failed;
    fs::copy_file(scratch / "index", tree.git_dir / "index", fs::copy_options::overwrite_existing, failed);
    if (!failed) return {};
    return proto::fail(error_code::resource_exhausted, fmt::format("{} cannot be written.", tree.git_dir.string()));
}

}  // namespace

proto::result<void> add_worktree(const place& of, const new_worktree& what, const fs::path& scratch, deadline until) {
    const std::string base = what.base.empty() ? "HEAD" : what.base;
    auto found = run(in(of.root, {"rev-parse", "--verify", "--quiet", "--end-of-options", base + "^{commit}"}), until);
    if (!found) return std::unexpected(std::move(found.error()));
    if (found->status != 0)
        return proto::fail(error_code::invalid_argument, fmt::format("The repository has no commit {}.", base),
                           "Name a branch, a tag or a commit in `worktree.base`.");
    const std::string begin = first_line(found->output);
    const std::string branch = "refs/heads/" + what.branch;
    auto known = run(in(of.root, {"show-ref", "--verify", "--quiet", branch}), until);
    if (!known) return std::unexpected(std::move(known.error()));
    if (known->status == 0)
        return proto::fail(error_code::invalid_argument,
                           fmt::format("The repository has a branch {} already.", what.branch),
                           "Take another `worktree.name`.");
    const scratch_directory used(scratch);
    auto added = run(in(of.root, {"worktree", "add", "--no-checkout", "--quiet", "-b", what.branch, "--",
                                  what.directory.string(), begin}),
                     until);
    if (!added) return std::unexpected(std::move(added.error()));
    if (added->status != 0) std::ignore = run(in(of.root, {"update-ref", "-d", branch, begin}), until);
    if (added->status != 0)
        return proto::fail(
            error_code::invalid_argument,
            fmt::format("git made no work tree {}: {}", what.directory.string(), first_line(added->errors)),
            "Take another `worktree.name`.");
    proto::result<void> written;
    if (auto tree = find_place(what.directory, until))
        written = check_out(*tree, used.path(), until);
    else
        written = std::unexpected(std::move(tree.error()));
    if (written) return {};
    // The deadline may have passed: this is what has to be done all the same.
    const auto later = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    std::ignore = run(in(of.root, {"worktree", "remove", "--force", "--", what.directory.string()}), later);
    std::ignore = run(in(of.root, {"update-ref", "-d", branch, begin}), later);
    return written;
}

proto::result<bool> remove_clean_worktree(const fs::path& directory, const fs::path& scratch, deadline until) {
    auto of = find_place(directory, until);
    if (!of) return std::unexpected(std::move(of.error()));
    if (of->git_dir == of->common_dir)
        return proto::fail(error_code::invalid_argument,
                           fmt::format("{} is the repository itself, not a linked work tree.", of->root.string()));
    const scratch_directory used(scratch);
    const auto all = [](const fs::path&) { return true; };
    auto now = take_snapshot(*of, used.path(), {}, all, until);
    if (!now) return std::unexpected(std::move(now.error()));
    auto committed =
        output_of(in(of->root, {"rev-parse", "--verify", of->head + "^{tree}"}), until, "find the last commit's tree");
    if (!committed) return std::unexpected(std::move(committed.error()));
    if (!now->skipped.empty() || first_line(*committed) != now->tree) return false;
    auto removed = output_of(in(of->common_dir, {"worktree", "remove", "--force", "--", of->root.string()}), until,
                             "remove the work tree");
    if (!removed) return std::unexpected(std::move(removed.error()));
    return true;
}

void discard_worktree(const place& of, const new_worktree& what, const fs::path& scratch, deadline until) {
    const auto made = find_place(what.directory, until);
    if (!made) return;
    const auto removed = remove_clean_worktree(what.directory, scratch, until);
    if (!removed || !*removed) return;
    // Only while it points there: a branch that went on is somebody's work.
    std::ignore = run(in(of.common_dir, {"update-ref", "-d", "refs/heads/" + what.branch, made->head}), until);
}

}  // namespace agent::git
