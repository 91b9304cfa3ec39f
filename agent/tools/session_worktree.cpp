#include "agent/tools/session_worktree.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "proto/limits.hpp"

namespace agent::tools {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using proto::error_code;

namespace {

git::deadline soon() { return std::chrono::steady_clock::now() + std::chrono::milliseconds(proto::limits::git_ms_max); }

bool is_under(const fs::path& path, const fs::path& root) {
    return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

std::unexpected<proto::error> busy() {
    return proto::fail(error_code::resource_exhausted, "The machine is busy.", "Try again in a moment.");
}

fs::path scratch_of(const services& s) { return s.state_directory / "diffs"; }

// The directories above it; then it must still be where the policy opens sessions.
proto::result<void> make_parent(const policy& rules, const fs::path& directory) {
    std::error_code failed;
    fs::create_directories(directory.parent_path(), failed);
    if (failed)
        return proto::fail(error_code::internal,
                           fmt::format("{} cannot be made: {}.", directory.parent_path().string(), failed.message()),
                           "Make the directory on the machine, writable for the agent's user.");
    auto real = rules.check_directory(directory.parent_path().string());
    if (!real) return std::unexpected(std::move(real.error()));
    if (*real == directory.parent_path()) return {};
    return proto::fail(error_code::policy_denied, fmt::format("{} leads elsewhere.", directory.parent_path().string()),
                       "Name the directory itself in `worktrees` of agent.toml, not a link to it.",
                       R"({"rule":"worktrees"})");
}

}  // namespace

asio::awaitable<proto::result<planned_worktree>> plan_worktree(const services& s, const call_context& c,
                                                               fs::path directory, std::string session_id) {
    auto place = s.rules->check_worktrees();
    if (!place) co_return std::unexpected(std::move(place.error()));
    auto found = co_await s.git_pool->run([directory] { return git::find_place(directory, soon()); });
    if (!found) co_return busy();
    if (!*found) co_return std::unexpected(std::move((*found).error()));
    const auto& wanted = c.arguments["worktree"];
    planned_worktree out;
    out.of = std::move(**found);
    if (!s.rules->opens(out.of.root) || !s.rules->opens(out.of.common_dir))
        co_return proto::fail(error_code::policy_denied,
                              fmt::format("The repository at {} is not open to sessions.", out.of.common_dir.string()),
                              "Add it to `roots` in agent.toml on the machine.", R"({"rule":"roots"})");
    const std::string name = wanted.value("name", session_id.substr(0, 8));
    out.what.branch = "codez/" + name;
    out.what.base = wanted.value("base", "");
    out.what.directory = *place / out.of.common_dir.parent_path().filename() / name;
    out.cwd = (out.what.directory / directory.lexically_relative(out.of.root)).lexically_normal();
    if (out.cwd.filename().empty()) out.cwd = out.cwd.parent_path();  // "…/." became "…/"
    co_return out;
}

asio::awaitable<proto::result<void>> make_worktree(const services& s, const call_context& c, planned_worktree planned) {
    const bool again = c.journal.begun_at.has_value();
    auto job = [rules = s.rules, scratch = scratch_of(s), planned, again]() -> proto::result<void> {
        const auto& directory = planned.what.directory;
        std::error_code failed;
        const bool there = fs::exists(fs::symlink_status(directory, failed));
        if (there && again) {
            const auto made = git::find_place(directory, soon());
            if (made && made->root == directory && made->common_dir == planned.of.common_dir) return {};
        }
        if (there)
            return proto::fail(error_code::invalid_argument, fmt::format("{} is there already.", directory.string()),
                               "Take another `worktree.name`, or none.");
        if (auto parent = make_parent(*rules, directory); !parent) return parent;
        if (auto added = git::add_worktree(planned.of, planned.what, scratch, soon()); !added) return added;
        if (fs::is_directory(planned.cwd, failed)) return {};
        git::discard_worktree(planned.of, planned.what, scratch, soon());
        return proto::fail(error_code::invalid_argument,
                           "The commit that the work tree begins at does not have the directory `cwd`.",
                           "Take the repository's root as `cwd`, or another `worktree.base`.");
    };
    auto done = co_await s.git_pool->run(std::move(job));
    if (!done) co_return busy();
    co_return std::move(*done);
}

asio::awaitable<void> unmake_worktree(const services& s, planned_worktree planned) {
    auto job = [scratch = scratch_of(s), planned] { git::discard_worktree(planned.of, planned.what, scratch, soon()); };
    std::ignore = co_await s.git_pool->run(std::move(job));
}

asio::awaitable<proto::result<std::string>> remove_worktree(const services& s, std::string session_id,
                                                            std::string cwd) {
    const auto place = s.rules->check_worktrees();
    if (!place || !is_under(cwd, *place)) co_return std::string();
    auto found = co_await s.git_pool->run([cwd] { return git::find_place(cwd, soon()); });
    if (!found) co_return busy();
    if (!*found && (*found).error().code == error_code::not_found) co_return std::string("removed");
    if (!*found) co_return std::unexpected(std::move((*found).error()));
    const fs::path root = (*found)->root;
    if (!is_under(root, *place)) co_return std::string();

    for (const char* status : {"live", "mirror"}) {
        session::list_filter running;
        running.status = status;
        running.limit = proto::limits::list_page_max;
        auto others = co_await s.sessions->list(running);
        if (!others) co_return std::unexpected(std::move(others.error()));
        for (const auto& one : *others)
            if ((one.id != session_id || one.status == "mirror") && is_under(one.cwd, root))
                co_return std::string("kept");
    }
    auto removed = co_await s.git_pool->run(
        [root, scratch = scratch_of(s)] { return git::remove_clean_worktree(root, scratch, soon()); });
    if (!removed) co_return busy();
    if (!*removed) co_return std::unexpected(std::move((*removed).error()));
    co_return std::string(**removed ? "removed" : "kept");
}

}  // namespace agent::tools
