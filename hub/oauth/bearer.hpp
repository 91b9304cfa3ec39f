// What one of the hub's own access tokens is worth at the hub itself. Pure function.
#pragma once

#include <string>

#include "hub/identity/principal_cache.hpp"
#include "hub/oauth/records.hpp"

namespace hub::oauth {

// Nobody for a token that was revoked, or is for another resource (RFC 8707, RFC 9700 §2.3); whether it has expired is for
// the caller to see.
identity::verified bearer_of(const token_grant& token, const std::string& origin);

}  // namespace hub::oauth
