// session_diff: what changed in a session's git work tree.
#include <chrono>
#include <utility>

#include "agent/tools/handlers.hpp"
#include "agent/tools/history_session.hpp"
#include "agent/tools/session_base.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

namespace asio = boost::asio;
namespace limits = proto::limits;
using nlohmann::json;
using proto::error_code;

namespace {

// What making a session may wait for at most.
constexpr std::chrono::seconds base_patience(5);

std::string status_name(char status) {
    switch (status) {
        case 'A':
            return "added";
        case 'D':
            return "deleted";
        case 'R':
            return "renamed";
        case 'T':
            return "type_changed";
        default:
            return "modified";
    }
}

json file_json(const git::changed_file& file) {
    json out{{"path", file.path}, {"status", status_name(file.status)}};
    if (!file.old_path.empty()) out["oldPath"] = file.old_path;
    if (file.additions && file.deletions) {
        out["additions"] = *file.additions;
        out["deletions"] = *file.deletions;
    } else {
        out["binary"] = true;
    }
    return out;
}

json difference_json(const git::difference& d, bool with_patch) {
    json out{{"root", d.root.string()},
             {"base", {{"since", d.since_session ? "session" : "head"}}},
             {"files", json::array()},
             {"truncated", d.more_files || d.patch_cut || d.more_skipped}};
    if (!d.head.empty()) out["head"] = d.head;
    if (!d.base_head.empty()) out["base"]["head"] = d.base_head;
    if (d.since_session) out["base"]["at"] = d.base_at_ms;
    if (!d.base_note.empty()) out["base"]["note"] = d.base_note;
    for (const auto& file : d.files) out["files"].push_back(file_json(file));
    if (with_patch) out["patch"] = d.patch;
    if (!d.skipped.empty()) out["skipped"] = d.skipped;
    return out;
}

asio::awaitable<proto::result<std::string>> directory_of_session(const services& s, std::string session_id) {
    auto known = co_await s.sessions->get(session_id);
    if (known) co_return known->session.cwd;
    if (known.error().code != error_code::not_found) co_return std::unexpected(std::move(known.error()));
    auto found = co_await find_in_history(s, std::move(session_id));
    if (!found) co_return std::unexpected(std::move(found.error()));
    co_return found->cwd;
}

}  // namespace

asio::awaitable<void> record_base(const services& s, std::string session_id, std::string cwd) {
    auto job = [bases = s.bases, rules = s.rules, session_id = std::move(session_id), cwd = std::move(cwd)] {
        const auto opens = [rules](const std::filesystem::path& path) { return rules->opens(path); };
        bases->record(session_id, cwd, opens, std::chrono::steady_clock::now() + base_patience);
    };
    // A pool that is full: session_diff says that the base was not recorded.
    std::ignore = co_await s.git_pool->run(std::move(job));
}

answer session_diff(const services& s, const call_context& c) {
    const auto id = c.text("session_id");
    auto cwd = co_await directory_of_session(s, id);
    if (!cwd) co_return std::unexpected(std::move(cwd.error()));
    auto directory = s.rules->check_directory(*cwd);
    if (!directory) co_return std::unexpected(std::move(directory.error()));
    git::diff_request request;
    request.directory = *directory;
    request.path = c.text("path");
    request.with_patch = c.arguments.value("patch", true);
    request.patch_bytes_max = static_cast<std::size_t>(c.number("max_bytes", limits::diff_bytes_default));
    const bool with_patch = request.with_patch;
    auto job = [bases = s.bases, rules = s.rules, id, request = std::move(request)] {
        const auto opens = [rules](const std::filesystem::path& path) { return rules->opens(path); };
        return bases->compare(id, request, opens,
                              std::chrono::steady_clock::now() + std::chrono::milliseconds(limits::git_ms_max));
    };
    auto compared = co_await s.git_pool->run(std::move(job));
    if (!compared)
        co_return proto::fail(error_code::resource_exhausted, "The machine is busy.", "Try again in a moment.");
    if (!*compared) co_return std::unexpected(std::move((*compared).error()));
    co_return dump(difference_json(**compared, with_patch));
}

}  // namespace agent::tools
