// Judges the parameters of /authorize (RFC 6749 §4.1.1, RFC 7636, RFC 8707, OpenID Connect Core §3.1.2.1), once client and
// redirect URI are known to be good. Pure function.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "hub/oauth/records.hpp"
#include "hub/pages/form.hpp"

namespace hub::oauth {

// What the client is told by redirect.
struct authorization_refusal {
    std::string_view error;        // RFC 6749 §4.1.2.1, RFC 8707 §2, OpenID Connect Core §3.1.2.6
    std::string_view description;  // a sentence for its developer
};

struct judged_request {
    authorization_request request;
    bool may_ask = true;      // not with prompt=none
    bool ask_always = false;  // prompt=consent or login
};

std::expected<judged_request, authorization_refusal> judge_request(const pages::form& query, std::string_view origin);

}  // namespace hub::oauth
