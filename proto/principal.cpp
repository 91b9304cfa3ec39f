#include "proto/principal.hpp"

#include <algorithm>
#include <array>

namespace proto {
namespace {

constexpr std::string_view umbrella = "mcp:tools";

// What the umbrella covers. Outside: machines:admin, workspace:admin, audit:read, agent:enroll.
constexpr std::array<std::string_view, 15> covered{
    "projects:read",       "machines:read", "sessions:read", "sessions:write", "events:read",
    "permissions:respond", "memory:read",   "search:read",   "state:read",     "state:write",
    "jobs:read",           "jobs:write",    "usage:read",    "health:read",    umbrella};

}  // namespace

bool principal::has_scope(std::string_view scope) const {
    const auto holds = [this](std::string_view wanted) { return std::ranges::find(scopes, wanted) != scopes.end(); };
    return holds(scope) || (std::ranges::find(covered, scope) != covered.end() && holds(umbrella));
}

bool principal::may_reach(std::string_view machine_id) const {
    return !machines || std::ranges::find(*machines, machine_id) != machines->end();
}

std::vector<std::string> principal::workspace_ids() const {
    if (workspaces.empty()) return {workspace_id};
    std::vector<std::string> ids;
    for (const auto& one : workspaces) ids.push_back(one.workspace_id);
    return ids;
}

std::optional<principal> principal::within(std::string_view workspace) const {
    if (workspaces.empty()) return workspace == workspace_id ? std::optional(*this) : std::nullopt;
    const auto found = std::ranges::find(workspaces, workspace, &workspace_scopes::workspace_id);
    if (found == workspaces.end()) return std::nullopt;
    principal narrowed = *this;
    narrowed.workspace_id = found->workspace_id;
    narrowed.scopes = found->scopes;
    narrowed.workspaces.clear();
    return narrowed;
}

}  // namespace proto
