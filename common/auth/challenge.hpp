// What a client without the right token is told (RFC 6750 §3, RFC 9728 §5.1). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/error.hpp"
#include "proto/principal.hpp"

namespace common::auth {

// WWW-Authenticate of a 401 at this path. `sent`: a token came, and is not valid.
std::string token_challenge(const std::string& origin, std::string_view path, bool sent);

// WWW-Authenticate of a 403, for a call that failed because a grant's scopes are too few; nothing for other errors, nor
// where asking would not help: the role of the person is too small, or the credential is an API key. It lists what the
// token has too: some clients ask for the listed only.
std::optional<std::string> scope_challenge(const std::string& origin, const proto::principal& who,
                                           const proto::error& error);

}  // namespace common::auth
