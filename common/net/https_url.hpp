// Takes an https URL of a stranger apart, by stricter rules than RFC 3986: only what every parser reads alike. A host is a
// name of letters, digits, hyphens and dots (IDN as xn--), four decimal numbers, or an IPv6 address in brackets; no user,
// no fragment, no byte outside printable ASCII, no backslash, at most 2048 bytes. Boost.URL 1.81 is no help here: it reads
// a name like 10.0.0.5.example.com as an address with something behind it. Pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "common/net/connector.hpp"

namespace common::net {

// The error is a sentence that says which rule is broken. The host in lower case.
std::expected<connect_target, std::string> parse_https_url(std::string_view url);

// The part of it that follows "https://" and ends before the path; also "host:port" by itself.
std::expected<connect_target, std::string> parse_https_authority(std::string_view authority);

}  // namespace common::net
