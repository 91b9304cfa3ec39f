// Which client sends a request to /token, /revoke or /introspect (RFC 6749 §2.3): its id, and its secret if it has one.
// Plain function.
#pragma once

#include <expected>
#include <string>

#include "common/net/http.hpp"
#include "hub/oauth/records.hpp"
#include "hub/pages/form.hpp"

namespace hub::oauth {

struct presented_client {
    std::string id;
    std::string secret;  // empty: none came
};

// From the Authorization field (Basic) or from the form; an error is the answer to give.
std::expected<presented_client, common::net::http_response> find_presented_client(
    const common::net::http_request& request, const pages::form& form);

// Is the secret this client's? A client without one must not send any.
bool proves(const client& known, const presented_client& presented);

// 401, by which clients that were removed learn that they must register again.
common::net::http_response unknown_client_answer();

}  // namespace hub::oauth
