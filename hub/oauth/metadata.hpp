// What clients read before anything else: RFC 8414, OpenID Connect Discovery 1.0. Pure functions; every URL
// comes from the hub's public URL, never from the request.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace hub::oauth {

// One document for both discovery URLs: `origin` is the issuer, byte for byte.
nlohmann::json server_metadata(const std::string& origin);

}  // namespace hub::oauth
