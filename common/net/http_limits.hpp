// What one HTTP connection may cost. The defaults are for the open internet; tests make the waits short.
#pragma once

#include <chrono>
#include <cstddef>

namespace common::net {

struct http_limits {
    std::size_t header_bytes_max = std::size_t{16} << 10;
    std::size_t fields_max = 100;
    std::size_t body_bytes_max = std::size_t{4} << 20;

    std::chrono::milliseconds header_timeout{10000};  // from connecting (TLS included), or from a request's first byte
    std::chrono::milliseconds body_timeout{30000};
    std::chrono::milliseconds idle_timeout{60000};         // between requests
    std::chrono::milliseconds write_stall_timeout{20000};  // without one byte taken by the peer
    // After a refused request: how long to take in what the client still sends, so that the answer reaches it and is
    // not lost in a reset (RFC 9112 §9.6).
    std::chrono::milliseconds linger_timeout{2000};
};

}  // namespace common::net
