// How the authorization server answers programs. Plain functions.
#pragma once

#include <chrono>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "common/net/http.hpp"
#include "hub/tenancy/records.hpp"

namespace hub::oauth {

// JSON that no cache keeps (RFC 6749 §5.1).
common::net::http_response json_answer(int status, const nlohmann::json& body);

// What is the same for everybody, and hardly ever changes: caches may keep it for five minutes.
common::net::http_response public_answer(const nlohmann::json& body);

// RFC 6749 §5.2; `description` is a sentence for the client's developer.
common::net::http_response error_answer(int status, std::string_view error, std::string_view description);

// Our own failure is never the client's: clients drop their credentials on invalid_grant and invalid_client.
common::net::http_response unavailable_answer();
common::net::http_response database_answer(const tenancy::error& e);

common::net::http_response too_many_answer(std::chrono::milliseconds wait);

common::net::http_response wrong_method_answer(std::string_view allowed);

}  // namespace hub::oauth
