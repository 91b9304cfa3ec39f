// A client's own registration (RFC 7591): what it asks for, and what it gets. Pure functions.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "common/net/http.hpp"
#include "hub/oauth/records.hpp"

namespace hub::oauth {

struct registration {
    client fields;       // without an id
    std::string secret;  // fresh, if the client wants one; its hash is in the fields
    std::string scope;   // as asked: not a ceiling, clients ask for more later
    std::string application_type;
};

// An error is the answer to give.
std::expected<registration, common::net::http_response> read_registration(const common::net::http_request& request);

common::net::http_response registration_answer(const registration& asked, const client& made, std::int64_t now_ms);

}  // namespace hub::oauth
