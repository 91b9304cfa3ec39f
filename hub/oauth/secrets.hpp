// What the authorization server hands out: secrets by their prefixes.
#pragma once

#include <string_view>

#include "common/crypto/secret.hpp"

namespace hub::oauth {

using common::crypto::looks_like;
using common::crypto::new_secret;

inline constexpr std::string_view access_token_prefix = "cza_";
inline constexpr std::string_view refresh_token_prefix = "czr_";
inline constexpr std::string_view code_prefix = "czc_";
inline constexpr std::string_view client_secret_prefix = "czs_";
inline constexpr std::string_view device_code_prefix = "czd_";
inline constexpr std::string_view resource_secret_prefix = "sak_";  // as MCPAuthKit's

}  // namespace hub::oauth
