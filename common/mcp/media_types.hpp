// What the Accept and Content-Type fields of a request mean to us (RFC 9110 §12.5.1, §8.3). Pure functions.
#pragma once

#include "common/net/http.hpp"

namespace common::mcp {

struct accepted_types {
    bool json = false;
    bool events = false;  // text/event-stream, and only if named: plain `*/*` gets JSON, so that curl works
};

accepted_types read_accept(const net::http_fields& fields);

// One Content-Type, application/json, and no Content-Encoding.
bool has_json_content(const net::http_fields& fields);

}  // namespace common::mcp
