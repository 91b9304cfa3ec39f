#include "agent/history/projects.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <system_error>
#include <utility>

#include "agent/history/git_place.hpp"
#include "agent/history/session_summary.hpp"

namespace agent::history {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t projects_max = 2000;
constexpr std::size_t entries_max = 20'000;  // of one folder
constexpr std::size_t slug_bytes_max = 220;  // 200, a dash, a hash in base 36
constexpr std::size_t newest_tried_max = 3;  // transcripts in which a project's cwd is looked for

bool is_uuid(std::string_view id) {
    if (id.size() != 36) return false;
    for (std::size_t i = 0; i < id.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? id[i] != '-' : std::isxdigit(static_cast<unsigned char>(id[i])) == 0) return false;
    }
    return true;
}

struct transcript_file {
    std::string id;
    std::int64_t updated_at = 0;
};

// Newest first. Links and whatever else is no regular file are left out.
std::vector<transcript_file> transcripts_of(const fs::path& directory) {
    std::vector<transcript_file> out;
    std::error_code failed;
    std::size_t entries = 0;
    for (fs::directory_iterator it(directory, failed), end; !failed && it != end && ++entries <= entries_max;
         it.increment(failed)) {
        const fs::path& path = it->path();
        struct stat found{};
        if (path.extension() != ".jsonl" || !is_uuid(path.stem().string())) continue;
        if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
        out.push_back({path.stem().string(), found.st_mtim.tv_sec * 1000 + found.st_mtim.tv_nsec / 1'000'000});
    }
    std::ranges::sort(out, [](const auto& a, const auto& b) {
        return std::pair(b.updated_at, b.id) < std::pair(a.updated_at, a.id);
    });
    return out;
}

bool is_real_directory(const fs::path& path) {
    std::error_code failed;
    return fs::is_directory(fs::symlink_status(path, failed));
}

std::vector<std::string> project_slugs(const fs::path& config) {
    std::vector<std::string> out;
    std::error_code failed;
    for (fs::directory_iterator it(config / "projects", failed), end; !failed && it != end && out.size() < projects_max;
         it.increment(failed)) {
        std::string name = it->path().filename().string();
        if (is_slug(name) && is_real_directory(it->path())) out.push_back(std::move(name));
    }
    return out;
}

proto::error no_project() {
    return {proto::error_code::not_found,
            "There is no such project on this machine.",
            "list_projects tells which there are.",
            {}};
}

std::optional<session> read_session(const fs::path& config, const std::string& slug, const std::string& id) {
    auto s = summarize(transcript_path(config, slug, id));
    if (!s) return std::nullopt;
    s->id = id;
    s->slug = slug;
    return s;
}

}  // namespace

fs::path config_directory(const std::string& claude_config_dir, const std::string& home) {
    const fs::path set = claude_config_dir;
    return set.is_absolute() ? set : fs::path(home) / ".claude";
}

fs::path transcript_path(const fs::path& config, const std::string& slug, const std::string& id) {
    return config / "projects" / slug / (id + ".jsonl");
}

bool is_slug(std::string_view slug) {
    return !slug.empty() && slug.size() <= slug_bytes_max && std::ranges::all_of(slug, [](char c) {
        return c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0;
    });
}

std::vector<project> list_projects(const fs::path& config) {
    std::vector<project> out;
    for (auto& slug : project_slugs(config)) {
        const auto files = transcripts_of(config / "projects" / slug);
        if (files.empty()) continue;
        project p;
        p.slug = std::move(slug);
        p.session_count = static_cast<std::int64_t>(files.size());
        p.updated_at = files.front().updated_at;
        for (std::size_t i = 0; i < std::min(files.size(), newest_tried_max) && p.path.empty(); ++i)
            if (const auto s = summarize(transcript_path(config, p.slug, files[i].id))) p.path = s->cwd;
        auto place = find_git_place(p.path);
        p.repo_name = std::move(place.repo_name);
        p.worktree_label = std::move(place.worktree_label);
        out.push_back(std::move(p));
    }
    std::ranges::sort(out, [](const auto& a, const auto& b) {
        return std::pair(b.updated_at, b.slug) < std::pair(a.updated_at, a.slug);
    });
    return out;
}

proto::result<std::vector<session>> list_sessions(const fs::path& config, const std::string& slug, std::size_t limit) {
    const fs::path directory = config / "projects" / slug;
    if (!is_slug(slug) || !is_real_directory(directory)) return std::unexpected(no_project());
    std::vector<session> out;
    for (const auto& file : transcripts_of(directory)) {
        if (out.size() >= limit) break;
        if (auto s = read_session(config, slug, file.id)) out.push_back(std::move(*s));
    }
    return out;
}

proto::result<session> find_session(const fs::path& config, const std::string& slug, const std::string& id) {
    const auto unknown = proto::fail(proto::error_code::not_found, "There is no such session on this machine.",
                                     "list_sessions tells which there are.");
    if (!is_uuid(id) || (!slug.empty() && !is_slug(slug))) return unknown;
    const auto slugs = slug.empty() ? project_slugs(config) : std::vector<std::string>{slug};
    std::optional<session> newest;
    for (const auto& each : slugs) {
        if (!is_real_directory(config / "projects" / each)) continue;
        auto s = read_session(config, each, id);
        if (s && (!newest || s->updated_at > newest->updated_at)) newest = std::move(s);
    }
    if (!newest) return unknown;
    return std::move(*newest);
}

}  // namespace agent::history
