// The credential of a request: X-Codez-Api-Key, or Authorization: Bearer (RFC 6750 §2.1). Never the query.
#pragma once

#include <expected>
#include <string>

#include "common/net/http.hpp"

namespace common::auth {

// Empty if none came. An error is a sentence for a 400: two different credentials, or a header of another form.
std::expected<std::string, std::string> find_credential(const common::net::http_request& request);

}  // namespace common::auth
