// What the pages load besides themselves, compiled in: the style sheet, the icon, and the script for passkeys. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "common/net/http.hpp"

namespace hub::pages {

inline constexpr std::string_view passkeys_script_path = "/assets/passkeys.js";

// The answer to GET and HEAD of a path under /assets/, which anybody may have and keep; nullopt if there is nothing.
std::optional<common::net::http_response> find_asset(std::string_view path);

}  // namespace hub::pages
