// Values in queries and forms. Pure.
#pragma once

#include <string>
#include <string_view>

namespace common::net {

// RFC 3986 §2: everything but unreserved characters as %XX.
std::string encode_component(std::string_view text);

}  // namespace common::net
