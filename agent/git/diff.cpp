#include "agent/git/diff.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/git/scratch.hpp"

namespace agent::git {

namespace fs = std::filesystem;
namespace limits = proto::limits;
using nlohmann::json;
using proto::error_code;

namespace {

constexpr std::size_t bases_max = 1000;
constexpr std::size_t files_told_max = 2000;

std::int64_t unix_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

json read_base(const fs::path& directory) {
    std::ifstream in(directory / "base.json", std::ios::binary);
    return json::parse(in, nullptr, false);
}

std::string text_in(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string_view next(std::string_view& rest, char end = '\0') {
    const auto token = rest.substr(0, rest.find(end));
    rest.remove_prefix(std::min(rest.size(), token.size() + 1));
    return token;
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [used, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || used != text.data() + text.size()) return std::nullopt;
    return value;
}

// git-diff-tree(1), "RAW OUTPUT FORMAT" and "--numstat" with -z: all raw records, then all numbers.
std::vector<changed_file> parse_files(std::string_view rest) {
    std::vector<changed_file> out;
    std::map<std::string, std::size_t, std::less<>> place;
    while (rest.starts_with(':')) {
        const auto head = next(rest);
        changed_file file;
        file.status = head[std::min(head.rfind(' ') + 1, head.size() - 1)];
        file.path = next(rest);
        if (file.status == 'R' || file.status == 'C') file.old_path = std::exchange(file.path, std::string(next(rest)));
        place[file.path] = out.size();
        out.push_back(std::move(file));
    }
    while (!rest.empty()) {
        const auto additions = next(rest, '\t');
        const auto deletions = next(rest, '\t');
        auto path = next(rest);
        if (path.empty()) {  // renamed: the old name, the new one
            std::ignore = next(rest);
            path = next(rest);
        }
        const auto found = place.find(path);
        if (found == place.end()) continue;
        out[found->second].additions = number(additions);
        out[found->second].deletions = number(deletions);
    }
    return out;
}

command in(const place& of, const fs::path& git_dir, std::vector<std::string> arguments) {
    command out;
    out.directory = of.root;
    out.git_dir = git_dir;
    out.work_tree = of.root;
    out.arguments = std::move(arguments);
    return out;
}

// The tree of a commit, or the empty one.
proto::result<std::string> tree_of(const place& of, const fs::path& git_dir, deadline until) {
    command look =
        of.head.empty() ? in(of, git_dir, {"mktree"}) : in(of, git_dir, {"rev-parse", "--verify", of.head + "^{tree}"});
    auto tree = output_of(look, until, "find the last commit's tree");
    if (!tree) return tree;
    return tree->substr(0, tree->find('\n'));
}

bool is_relative_inside(const std::string& path) {
    const fs::path normal = fs::path(path).lexically_normal();
    return !normal.is_absolute() && *normal.begin() != ".." && path.find('\0') == std::string::npos;
}

// A patch ends with a whole line, so that it stays readable.
void cut_at_line(std::string& patch, std::size_t max) {
    if (patch.size() > max) patch.resize(max);
    const auto end = patch.rfind('\n');
    patch.resize(end == std::string::npos ? 0 : end + 1);
}

}  // namespace

bool diff_bases::has(const std::string& session_id) const {
    std::error_code failed;
    return fs::exists(directory_ / session_id / "base.json", failed);
}

void diff_bases::record(const std::string& session_id, const fs::path& session_directory, const path_filter& opens,
                        deadline until) const {
    const auto of = find_place(session_directory, until);
    if (!of || has(session_id)) return;
    scratch_directory scratch(directory_);
    if (scratch.path().empty()) return;
    json base{{"at", unix_ms()}, {"head", of->head}, {"root", of->root.string()}};
    const auto taken =
        opens(of->root) ? take_snapshot(*of, scratch.path(), {}, opens, until)
                        : proto::fail(error_code::policy_denied, "The root of the work tree is closed by the policy.");
    if (taken)
        base["tree"] = taken->tree;
    else
        base["failed"] = taken.error().message;
    std::error_code ignored;
    for (const char* name : {"index", "info"}) fs::remove_all(scratch.path() / name, ignored);
    std::ofstream(scratch.path() / "base.json") << base.dump(-1, ' ', false, json::error_handler_t::replace);
    if (scratch.keep_as(directory_ / session_id)) forget_oldest();
}

void diff_bases::forget_oldest() const {
    std::vector<std::pair<fs::file_time_type, fs::path>> all;
    std::error_code failed;
    for (fs::directory_iterator it(directory_, failed), end; !failed && it != end; it.increment(failed)) {
        std::error_code gone;
        all.emplace_back(fs::last_write_time(it->path(), gone), it->path());
    }
    if (all.size() <= bases_max) return;
    std::ranges::sort(all);
    all.resize(all.size() - bases_max);
    for (const auto& [time, path] : all) fs::remove_all(path, failed);
}

proto::result<difference> diff_bases::compare(const std::string& session_id, const diff_request& request,
                                              const path_filter& opens, deadline until) const {
    if (!request.path.empty() && !is_relative_inside(request.path))
        return proto::fail(error_code::invalid_argument,
                           "`path` must be relative to the work tree's root and lie in it.");
    auto of = find_place(request.directory, until);
    if (!of) return std::unexpected(std::move(of.error()));
    if (!opens(of->root))
        return proto::fail(
            error_code::policy_denied,
            fmt::format("The work tree's root {} is not open to sessions on this machine.", of->root.string()),
            "Add it to `roots` in agent.toml on the machine, or make the session in a repository of its own.",
            R"({"rule":"roots"})");
    scratch_directory scratch(directory_);
    if (scratch.path().empty())
        return proto::fail(error_code::resource_exhausted, fmt::format("{} cannot be written.", directory_.string()),
                           "Is the disk of the agent's state full?");
    std::vector<fs::path> borrowed;
    if (has(session_id)) borrowed.push_back(directory_ / session_id / "objects");
    auto now = take_snapshot(*of, scratch.path(), borrowed, opens, until);
    if (!now) return std::unexpected(std::move(now.error()));

    difference out;
    out.root = of->root;
    out.head = out.base_head = of->head;
    out.skipped = std::move(now->skipped);
    out.more_skipped = now->more_skipped;
    const json base = read_base(directory_ / session_id);
    std::string base_tree =
        base.is_object() && text_in(base, "root") == of->root ? text_in(base, "tree") : std::string();
    if (!base_tree.empty()) {
        out.since_session = true;
        out.base_head = text_in(base, "head");
        out.base_at_ms = base.value("at", std::int64_t{0});
    } else {
        out.base_note =
            !base.is_object() ? "How the work tree was when the session began was not recorded."
            : text_in(base, "failed").empty()
                ? "The work tree's root is another one than when the session began."
                : "How the work tree was when the session began could not be recorded: " + text_in(base, "failed");
        auto tree = tree_of(*of, scratch.path(), until);
        if (!tree) return std::unexpected(std::move(tree.error()));
        base_tree = std::move(*tree);
    }

    std::vector<std::string> arguments{"diff-tree", "-r", "-M", "--raw", "--numstat", "-z", base_tree, now->tree, "--"};
    if (!request.path.empty()) arguments.push_back(request.path);
    auto listed = output_of(in(*of, scratch.path(), arguments), until, "compare the trees");
    if (!listed) return std::unexpected(std::move(listed.error()));
    out.files = parse_files(*listed);
    const auto closed = [&](const changed_file& file) {
        return !opens(of->root / file.path) || (!file.old_path.empty() && !opens(of->root / file.old_path));
    };
    const bool all_open = std::erase_if(out.files, closed) == 0;
    if (request.with_patch && !out.files.empty()) {
        std::vector<std::string> patch{"diff-tree",     "-r",         "-M",      "--patch", "--no-ext-diff",
                                       "--no-textconv", "--no-color", base_tree, now->tree, "--"};
        // What the policy closes is not in the list, so it must not be in the patch.
        if (!all_open)
            for (const auto& file : out.files) {
                if (!file.old_path.empty()) patch.push_back(file.old_path);
                patch.push_back(file.path);
            }
        else if (!request.path.empty())
            patch.push_back(request.path);
        auto what = in(*of, scratch.path(), std::move(patch));
        what.output_bytes_max = request.patch_bytes_max;
        auto text = run(what, until);
        if (!text) return std::unexpected(std::move(text.error()));
        if (!text->cut && text->status != 0)
            return proto::fail(error_code::internal,
                               "git could not show the changes: " + text->errors.substr(0, text->errors.find('\n')));
        out.patch = std::move(text->output);
        out.patch_cut = text->cut;
        if (out.patch_cut) cut_at_line(out.patch, request.patch_bytes_max);
    }
    out.more_files = out.files.size() > files_told_max;
    if (out.more_files) out.files.resize(files_told_max);
    return out;
}

}  // namespace agent::git
