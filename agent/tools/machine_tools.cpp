// The tools about the machine itself: list_machines, get_machine, get_health, list_projects.
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "agent/history/projects.hpp"
#include "agent/tools/handlers.hpp"
#include "agent/tools/session_json.hpp"
#include "proto/catalogue.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

using nlohmann::json;
using proto::error_code;

namespace {

std::int64_t unix_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

json machine_json(const services& s) {
    utsname names{};
    ::uname(&names);
    const auto health = s.sessions->health();
    return {{"machineId", s.machine->id},
            {"name", s.machine->name},
            {"online", true},
            {"hostname", names.nodename},
            {"os", names.sysname},
            {"arch", names.machine},
            {"codezVersion", CODEZ_VERSION},
            {"activeSessionCount", health.live}};
}

}  // namespace

answer list_machines(const services& s, const call_context&) {
    co_return dump(json{{"machines", json::array({machine_json(s)})}, {"as_of", unix_ms()}});
}

answer get_machine(const services& s, const call_context&) {
    session::list_filter live;
    live.status = "live";
    auto listed = co_await s.sessions->list(live);
    if (!listed) co_return std::unexpected(std::move(listed.error()));
    json machine = machine_json(s);
    machine["tools"] = proto::tools().names();
    machine["sessions"] = json::array();
    auto pending = co_await pending_by_session(s);
    if (!pending) co_return std::unexpected(std::move(pending.error()));
    for (const auto& one : *listed) {
        machine["sessions"].push_back(session_json(one, *s.machine));
        machine["sessions"].back()["pendingPermissions"] = (*pending)[one.id];
    }
    co_return dump(json{{"machine", std::move(machine)}, {"as_of", unix_ms()}});
}

answer get_health(const services& s, const call_context&) {
    const auto health = s.sessions->health();
    std::vector<std::string> troubles = health.troubles;
    if (auto trouble = s.log->trouble(); !trouble.empty()) troubles.push_back(std::move(trouble));
    if (s.troubles)
        for (auto& trouble : s.troubles()) troubles.push_back(std::move(trouble));
    const std::int64_t uptime = std::max<std::int64_t>(0, unix_ms() - s.started_at_ms);
    json machine{{"machine", s.machine->id},
                 {"machineName", s.machine->name},
                 {"ok", troubles.empty()},
                 {"version", CODEZ_VERSION},
                 {"claudeVersion", health.claude_version},
                 {"uptime_ms", uptime},
                 {"liveSessions", health.live},
                 {"liveSessionsMax", health.live_max},
                 {"waitingSessions", health.waiting},
                 {"pendingPermissions", health.pending_permissions},
                 {"troubles", troubles}};
    co_return dump(json{{"ok", troubles.empty()},
                        {"name", "codez"},
                        {"version", CODEZ_VERSION},
                        {"uptime_ms", uptime},
                        {"machines", json::array({std::move(machine)})}});
}

answer list_projects(const services& s, const call_context&) {
    auto read = co_await s.pool->run([config = s.claude_config] { return history::list_projects(config); });
    if (!read) co_return proto::fail(error_code::resource_exhausted, "The machine is busy.", "Try again in a moment.");
    session::list_filter all;
    all.limit = proto::limits::list_page_max;
    auto ours = co_await s.sessions->list(all);
    if (!ours) co_return std::unexpected(std::move(ours.error()));

    // Projects outside the policy's roots are nobody's business over the link.
    std::map<std::string, history::project> projects;
    for (auto& p : *read)
        if (s.rules->opens(p.path)) projects.emplace(p.slug, std::move(p));
    for (const auto& one : *ours) {
        if (!s.rules->opens(one.cwd)) continue;
        auto [place, is_new] = projects.try_emplace(one.slug);
        if (is_new) {
            place->second.slug = one.slug;
            place->second.path = one.cwd;
        }
        place->second.updated_at = std::max(place->second.updated_at, one.updated_at_ms);
    }
    std::map<std::string, std::int64_t> known;
    for (const auto& one : *ours) ++known[one.slug];

    std::vector<history::project> sorted;
    for (auto& [slug, p] : projects) {
        p.session_count = std::max(p.session_count, known[slug]);
        sorted.push_back(std::move(p));
    }
    std::ranges::sort(sorted, std::greater(), &history::project::updated_at);
    json list = json::array();
    for (const auto& p : sorted) {
        json item{{"slug", p.slug},
                  {"path", p.path},
                  {"sessionCount", p.session_count},
                  {"updatedAt", p.updated_at},
                  {"machine", s.machine->id},
                  {"machineName", s.machine->name}};
        if (!p.repo_name.empty()) item["repoName"] = p.repo_name;
        if (!p.worktree_label.empty()) item["worktreeLabel"] = p.worktree_label;
        list.push_back(std::move(item));
    }
    co_return dump(json{{"projects", std::move(list)}});
}

}  // namespace agent::tools
