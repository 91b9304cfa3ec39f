#include "hub/identity/scopes.hpp"

#include <algorithm>
#include <array>

#include "proto/principal.hpp"

namespace hub::identity {

namespace {

constexpr std::array<std::string_view, 10> viewer{"projects:read", "machines:read", "sessions:read", "events:read",
                                                  "memory:read",   "search:read",   "state:read",    "jobs:read",
                                                  "usage:read",    "health:read"};
constexpr std::array<std::string_view, 1> member{"mcp:tools"};
constexpr std::array<std::string_view, 5> admin{"mcp:tools", "machines:admin", "workspace:admin", "audit:read",
                                                "agent:enroll"};

}  // namespace

std::span<const std::string_view> scopes_of(tenancy::role r) {
    switch (r) {
        case tenancy::role::viewer:
            return viewer;
        case tenancy::role::member:
            return member;
        // They differ in what they may do to members, which is no scope.
        case tenancy::role::admin:
        case tenancy::role::owner:
            return admin;
    }
    return {};
}

std::vector<std::string> effective_scopes(const std::vector<std::string>& granted, tenancy::role r) {
    const auto of_role = scopes_of(r);
    proto::principal as_granted;
    as_granted.scopes = granted;
    proto::principal as_role;
    as_role.scopes.assign(of_role.begin(), of_role.end());

    std::vector<std::string> both;
    const auto add = [&both](std::string_view scope) {
        if (std::ranges::find(both, scope) == both.end()) both.emplace_back(scope);
    };
    for (const auto& scope : granted)
        if (as_role.has_scope(scope)) add(scope);
    for (const auto scope : of_role)
        if (as_granted.has_scope(scope)) add(scope);
    return both;
}

}  // namespace hub::identity
