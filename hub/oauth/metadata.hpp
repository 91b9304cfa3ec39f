// What clients read before anything else: RFC 8414, OpenID Connect Discovery 1.0, RFC 9728. Pure functions; every URL
// comes from the hub's public URL, never from the request.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace hub::oauth {

// One document for both discovery URLs: `origin` is the issuer, byte for byte.
nlohmann::json server_metadata(const std::string& origin);

// `resource_path` as the client spells it: "/mcp" or "/mcp/". `issuer`: of the authorization server.
nlohmann::json resource_metadata(const std::string& origin, std::string_view resource_path, const std::string& issuer);

}  // namespace hub::oauth
