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

std::vector<std::string> scopes_in_both(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    std::vector<std::string> both;
    const auto take = [&both](const std::vector<std::string>& from, const std::vector<std::string>& other) {
        proto::principal holder;
        holder.scopes = other;
        for (const auto& scope : from)
            if (holder.has_scope(scope) && std::ranges::find(both, scope) == both.end()) both.push_back(scope);
    };
    take(a, b);
    take(b, a);
    return both;
}

std::vector<std::string> effective_scopes(const std::vector<std::string>& granted, tenancy::role r) {
    const auto of_role = scopes_of(r);
    return scopes_in_both(granted, {of_role.begin(), of_role.end()});
}

}  // namespace hub::identity
