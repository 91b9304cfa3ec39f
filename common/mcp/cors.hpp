// What lets the pages of other origins use an endpoint (the CORS protocol, fetch.spec.whatwg.org). Which origins may is the
// front's to know: everything here is for a request whose Origin it has accepted. Cookies and other credentials that a
// browser adds by itself are never allowed. Pure; any thread.
#pragma once

#include "common/net/http.hpp"

namespace common::mcp {

// A browser asks, without any credential, whether a page may send a request.
bool is_preflight(const net::http_request& request);
// The yes: 204. The fields below come beside it, as for every answer.
net::http_response preflight_answer(const net::http_request& request);

// The fields of every answer to a page, errors too: without them it cannot read even the status. None if no page asks.
net::http_fields cors_fields(const net::http_request& request);

}  // namespace common::mcp
