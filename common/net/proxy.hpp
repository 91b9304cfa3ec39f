// Which HTTP proxy to use for a URL, by the variables that everyone uses, read as curl does: https_proxy or HTTPS_PROXY
// for https and wss, http_proxy (lower case only) for http and ws, no_proxy or NO_PROXY for exceptions. Pure; the
// environment is given.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace common::net {

struct proxy_address {
    std::string host;
    std::uint16_t port = 0;
    std::string credentials;  // "user:password", decoded; empty without

    bool operator==(const proxy_address&) const = default;
};

using environment = std::function<std::optional<std::string>(const std::string& name)>;

// Reads the process environment. Not while another thread changes it.
environment process_environment();

// Null: go directly. A value that is no http:// URL or host:port is ignored: a proxy that we cannot use.
std::optional<proxy_address> proxy_for(std::string_view url, const environment& env);

}  // namespace common::net
