// What a role may do, and what is left of a credential's scopes under it. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/tenancy/records.hpp"

namespace hub::identity {

// "mcp:tools" stands for all that it covers (proto::principal::has_scope).
std::span<const std::string_view> scopes_of(tenancy::role r);

// The intersection. An umbrella of which the other holds a part only is opened into that part.
std::vector<std::string> scopes_in_both(const std::vector<std::string>& a, const std::vector<std::string>& b);

// What of the granted scopes the role holds too.
std::vector<std::string> effective_scopes(const std::vector<std::string>& granted, tenancy::role r);

}  // namespace hub::identity
