// Origins of web pages (RFC 6454): what the programs compare to know whose page calls. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/http.hpp"

namespace common::net {

// One spelling of a URL's origin: lower case, no path, no port that its scheme has anyway.
std::string normal_origin(std::string_view url);

// http(s)://host[:port] and no more than a slash behind it: what an operator may allow. Never "*" or "null".
bool is_web_origin(std::string_view text);

// The origin of the page that a request comes from, in that spelling. nullopt if there is no Origin field, several, or
// one that names no web page ("null", a path).
std::optional<std::string> origin_of(const http_request& request);

}  // namespace common::net
