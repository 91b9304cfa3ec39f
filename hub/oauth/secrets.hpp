// The authorization server's secrets: a prefix that says what it is, 256 random bits, and a checksum by which secret
// scanners and the hub's door tell a real one from garbage. Pure functions but for the randomness.
#pragma once

#include <string>
#include <string_view>

namespace hub::oauth {

inline constexpr std::string_view access_token_prefix = "cza_";
inline constexpr std::string_view refresh_token_prefix = "czr_";
inline constexpr std::string_view code_prefix = "czc_";
inline constexpr std::string_view client_secret_prefix = "czs_";
inline constexpr std::string_view device_code_prefix = "czd_";
inline constexpr std::string_view resource_secret_prefix = "sak_";  // as MCPAuthKit's

std::string new_secret(std::string_view prefix);

// Of that form, with the right checksum. It says nothing about whether it was ever given out.
bool looks_like(std::string_view prefix, std::string_view secret);

}  // namespace hub::oauth
