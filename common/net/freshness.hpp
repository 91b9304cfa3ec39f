// How long an HTTP answer may be kept (RFC 9111), within the bounds of who keeps it. Pure.
#pragma once

#include <chrono>

#include "common/net/http.hpp"

namespace common::net {

struct freshness_bounds {
    std::chrono::seconds min;  // also for an answer that says nothing, or nothing that can be read
    std::chrono::seconds max;
};

// By max-age, or else by Expires.
std::chrono::seconds freshness(const http_fields& fields, std::chrono::system_clock::time_point now,
                               freshness_bounds bounds);

}  // namespace common::net
