// What one HTTP connection may cost: the figures of proto/limits, which tests make small.
#pragma once

#include <chrono>
#include <cstddef>

#include "proto/limits.hpp"

namespace common::net {

struct http_limits {
    std::size_t header_bytes_max = proto::limits::http_headers_bytes_max;
    std::size_t fields_max = proto::limits::http_header_fields_max;
    std::size_t target_bytes_max = proto::limits::http_target_bytes_max;
    std::size_t body_bytes_max = proto::limits::http_body_bytes_max;
    // Of one that the handler reads, and so need not be held.
    std::size_t streamed_body_bytes_max = proto::limits::call_body_bytes_max;

    // From connecting (TLS included), or from a request's first byte.
    std::chrono::milliseconds header_timeout{proto::limits::http_headers_ms_max};
    // For a body, or for each piece of one that the handler reads.
    std::chrono::milliseconds body_timeout{proto::limits::http_body_ms_max};
    // Between requests.
    std::chrono::milliseconds idle_timeout{proto::limits::http_idle_ms_max};
    // Without one byte taken by the peer.
    std::chrono::milliseconds write_stall_timeout{proto::limits::http_write_stall_ms_max};
    // After a refused request: how long to take in what the client still sends, so that the answer reaches it and is
    // not lost in a reset (RFC 9112 §9.6).
    std::chrono::milliseconds linger_timeout{2000};
};

}  // namespace common::net
