// Errors of /api/v1: the same envelope that tools give, with an HTTP status. Plain functions.
#pragma once

#include <string>
#include <string_view>

#include "common/net/http.hpp"
#include "proto/error.hpp"

namespace common::api {

int status_of(proto::error_code code);

// An answer in JSON that no cache keeps.
net::http_response json_answer(int status, std::string body, std::string_view request_id);
net::http_response error_answer(const proto::error& e, std::string_view request_id);

}  // namespace common::api
