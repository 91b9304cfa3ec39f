// get_health_details: each part of the agent, and what it mended by itself.
#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/tools/handlers.hpp"
#include "proto/limits.hpp"

namespace agent::tools {

using nlohmann::json;

namespace {

struct part {
    std::string name;
    bool healthy = true;
    std::string details;
};

part disk_part(const std::filesystem::path& directory) {
    struct statvfs found{};
    if (::statvfs(directory.c_str(), &found) != 0)
        return {"disk", false, "The disk of the agent's state cannot be examined."};
    const auto free = static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
    return {"disk", free >= proto::limits::disk_low_bytes,
            fmt::format("{} MiB are free where the agent keeps its state.", free / proto::limits::mib)};
}

part claude_part(const session::engine_health& health) {
    if (!health.claude_version.empty()) return {"claude", true, fmt::format("Claude Code {}.", health.claude_version)};
    return {"claude", false, health.troubles.empty() ? "Claude Code was not found." : health.troubles.front()};
}

part policy_part(const policy& rules) {
    if (rules.roots().empty())
        return {"policy", false,
                fmt::format("{} opens no directory, so no session can be created.", rules.file().string())};
    return {"policy", true, fmt::format("{} opens {} directories.", rules.file().string(), rules.roots().size())};
}

part session_part(const session::summary& s, const session::engine_health& health) {
    part out{"session:" + s.id.substr(0, 8), s.state != "interrupted", fmt::format("It is {}.", s.state)};
    for (const auto& [id, sentence] : health.session_troubles)
        if (id == s.id) out = {out.name, false, sentence};
    return out;
}

json to_json(const services& s, const part& p) {
    return {{"name", p.name},
            {"healthy", p.healthy},
            {"details", p.details},
            {"machine", s.machine->id},
            {"machineName", s.machine->name}};
}

}  // namespace

answer get_health_details(const services& s, const call_context&) {
    session::list_filter live;
    live.status = "live";
    live.limit = proto::limits::list_page_max;
    auto listed = co_await s.sessions->list(live);
    if (!listed) co_return std::unexpected(std::move(listed.error()));
    const auto health = s.sessions->health();

    std::vector<part> parts;
    if (s.link) {
        auto [healthy, details] = s.link();
        parts.push_back({"link", healthy, std::move(details)});
    }
    const auto trouble = s.log->trouble();
    parts.push_back({"log", trouble.empty(),
                     trouble.empty() ? fmt::format("It holds events up to {}.", s.log->last_seq()) : trouble});
    parts.push_back(claude_part(health));
    parts.push_back({"sessions", health.session_troubles.empty(),
                     fmt::format("{} of {} live sessions; {} permission requests wait.", health.live, health.live_max,
                                 health.pending_permissions)});
    parts.push_back(policy_part(*s.rules));
    if (!s.state_directory.empty()) parts.push_back(disk_part(s.state_directory));
    for (const auto& one : *listed) parts.push_back(session_part(one, health));

    json out{{"log", json::array()}, {"subsystems", json::array()}};
    for (const auto& p : parts) out["subsystems"].push_back(to_json(s, p));
    if (s.repairs != nullptr)
        for (auto one = s.repairs->all().rbegin(); one != s.repairs->all().rend(); ++one)
            out["log"].push_back({{"timestamp", one->at_ms},
                                  {"action", one->action},
                                  {"details", one->details},
                                  {"machine", s.machine->id},
                                  {"machineName", s.machine->name}});
    co_return dump(out);
}

}  // namespace agent::tools
