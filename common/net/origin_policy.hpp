// Which Host and Origin headers a server with a public URL answers: the wall against DNS rebinding (MCP, transports: servers MUST validate
// Origin) and against requests meant for somebody else. Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/net/http.hpp"

namespace common::net {

class origin_policy {
public:
    // `public_url` is the server's own origin, e.g. "https://hub.example.com"; `allowed_origins` more origins whose pages
    // may call. Compared byte by byte in lower case, without a port that the scheme has anyway.
    origin_policy(std::string_view public_url, std::vector<std::string> allowed_origins);

    // Exactly one Host header, naming the public URL's authority; from a loopback peer also a loopback literal.
    bool accepts_host(const http_request& request) const;

    // No Origin (not a browser), the server's own, an allowed one; from a loopback peer also a loopback page.
    bool accepts_origin(const http_request& request) const;

private:
    std::string origin_;  // scheme://host[:port]
    std::string scheme_;  // with "://"
    std::vector<std::string> allowed_origins_;
};

}  // namespace common::net
