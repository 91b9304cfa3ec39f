#include "agent/git/snapshot.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace agent::git {

namespace fs = std::filesystem;
namespace limits = proto::limits;
using proto::error_code;

namespace {

constexpr std::size_t skipped_named_max = 100;

bool write_file(const fs::path& file, const std::string& text) {
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.close();
    return static_cast<bool>(out);
}

proto::error cannot_write(const fs::path& directory) {
    return {error_code::resource_exhausted,
            fmt::format("{} cannot be written.", directory.string()),
            "Is the disk of the agent's state full?",
            {}};
}

// With its time: git trusts an entry only if the index is newer than the file (racy git).
bool copy_index(const fs::path& from, const fs::path& to) {
    struct stat st{};
    if (::lstat(from.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
    std::error_code failed;
    if (!fs::copy_file(from, to, failed)) return false;
    const timespec times[2] = {st.st_atim, st.st_mtim};
    return ::utimensat(AT_FDCWD, to.c_str(), times, 0) == 0;
}

command in(const place& of, const fs::path& directory, std::vector<std::string> arguments) {
    command out;
    out.directory = of.root;
    out.git_dir = directory;
    out.work_tree = of.root;
    out.arguments = std::move(arguments);
    return out;
}

proto::result<void> begin_index(const place& of, const fs::path& directory, deadline until) {
    if (copy_index(of.git_dir / "index", directory / "index")) {
        // One that is split refers to a part that lies elsewhere.
        auto readable = run(in(of, directory, {"ls-files", "--error-unmatch", "--", "."}), until);
        if (!readable) return std::unexpected(std::move(readable.error()));
        if (readable->cut || readable->status <= 1) return {};
        std::error_code ignored;
        fs::remove(directory / "index", ignored);
    }
    if (of.head.empty()) return {};
    auto read = output_of(in(of, directory, {"read-tree", of.head}), until, "read the last commit");
    if (!read) return std::unexpected(std::move(read.error()));
    return {};
}

// Tells what is really there under a root: behind a symbolic link there is nothing of the work tree.
class plain_paths {
public:
    explicit plain_paths(const fs::path& root) : root_(root) {}

    bool leads_through_link(std::string_view name) {
        for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1)) {
            const std::string parent(name.substr(0, slash));
            const auto [known, fresh] = links_.try_emplace(parent, false);
            if (fresh) {
                std::error_code failed;
                known->second = fs::is_symlink(fs::symlink_status(root_ / parent, failed));
            }
            if (known->second) return true;
        }
        return false;
    }

private:
    const fs::path& root_;
    std::map<std::string, bool> links_;
};

// The files to take in or out, each name ended by NUL, and what is left out.
struct choice {
    std::string there;
    std::string gone;
    std::vector<std::string> skipped;
    bool more_skipped = false;

    void skip(std::string name) {
        if (skipped.size() < skipped_named_max)
            skipped.push_back(std::move(name));
        else
            more_skipped = true;
    }
};

bool is_repository(const fs::path& directory) {
    std::error_code failed;
    return fs::exists(fs::symlink_status(directory / ".git", failed));
}

choice choose(const place& of, std::string_view listed, const path_filter& opens) {
    choice out;
    std::set<std::string_view> seen;
    plain_paths paths(of.root);
    std::size_t files = 0;
    std::size_t bytes = 0;
    while (!listed.empty()) {
        const auto name = listed.substr(0, listed.find('\0'));
        listed.remove_prefix(std::min(listed.size(), name.size() + 1));
        // A repository within this one ends in '/'.
        if (name.empty() || name.ends_with('/') || !seen.insert(name).second) continue;
        const fs::path path = of.root / name;
        if (!opens(path)) continue;
        struct stat st{};
        const bool there = !paths.leads_through_link(name) && ::lstat(path.c_str(), &st) == 0;
        if (!there) {
            out.gone.append(name).append(1, '\0');
            continue;
        }
        // A file was replaced by a directory, whose files are listed by themselves; or this is a submodule.
        if (S_ISDIR(st.st_mode) && !is_repository(path)) {
            out.gone.append(name).append(1, '\0');
            continue;
        }
        const bool file = S_ISREG(st.st_mode) || S_ISLNK(st.st_mode);
        const auto size = file ? static_cast<std::size_t>(st.st_size) : 0;
        if (size > limits::diff_file_bytes_max || files >= limits::diff_files_max ||
            bytes + size > limits::diff_snapshot_bytes_max) {
            out.skip(std::string(name));
            continue;
        }
        if (!file && !S_ISDIR(st.st_mode)) continue;  // a device, a socket: git knows no such thing
        ++files;
        bytes += size;
        out.there.append(name).append(1, '\0');
    }
    return out;
}

}  // namespace

// gitrepository-layout(5)
bool make_repository(const place& of, const fs::path& directory, const std::vector<fs::path>& borrowed) {
    std::error_code failed;
    for (const char* name : {"objects/info", "refs", "info"}) fs::create_directories(directory / name, failed);
    if (failed) return false;
    fs::permissions(directory, fs::perms::owner_all, failed);
    std::string config = "[core]\n\tbare = false\n\trepositoryformatversion = ";
    config +=
        of.object_format == "sha1" ? "0\n" : fmt::format("1\n[extensions]\n\tobjectformat = {}\n", of.object_format);
    std::string alternates = (of.common_dir / "objects").string() + "\n";
    for (const auto& one : borrowed) alternates += one.string() + "\n";
    return write_file(directory / "HEAD", "ref: refs/heads/none\n") && write_file(directory / "config", config) &&
           write_file(directory / "objects/info/alternates", alternates);
}

proto::result<snapshot> take_snapshot(const place& of, const fs::path& directory, const std::vector<fs::path>& borrowed,
                                      const path_filter& opens, deadline until) {
    if (of.root.string().find('\n') != std::string::npos || of.common_dir.string().find('\n') != std::string::npos)
        return proto::fail(error_code::invalid_argument, "The path of the repository has a line end in it.");
    if (!make_repository(of, directory, borrowed)) return std::unexpected(cannot_write(directory));
    if (auto begun = begin_index(of, directory, until); !begun) return std::unexpected(std::move(begun.error()));
    std::error_code ignored;
    fs::copy_file(of.common_dir / "info/exclude", directory / "info/exclude", ignored);

    auto listed = output_of(in(of, directory, {"ls-files", "-z", "--modified", "--others", "--exclude-standard"}),
                            until, "list what changed");
    if (!listed) return std::unexpected(std::move(listed.error()));
    auto chosen = choose(of, *listed, opens);
    auto remove = in(of, directory, {"update-index", "--force-remove", "-z", "--stdin"});
    remove.input = std::move(chosen.gone);
    auto add = in(of, directory, {"update-index", "--add", "--remove", "--replace", "-z", "--stdin"});
    add.input = std::move(chosen.there);
    for (const auto* update : {&remove, &add}) {
        if (update->input.empty()) continue;
        auto updated = output_of(*update, until, "read the changed files");
        if (!updated) return std::unexpected(std::move(updated.error()));
    }
    auto tree = output_of(in(of, directory, {"write-tree", "--missing-ok"}), until, "make a tree of the files");
    if (!tree) return std::unexpected(std::move(tree.error()));
    return snapshot{tree->substr(0, tree->find('\n')), std::move(chosen.skipped), chosen.more_skipped};
}

}  // namespace agent::git
