#include "hub/oauth/request_limits.hpp"

#include <utility>

namespace hub::oauth {

using common::net::http_request;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr int beginnings_per_minute = 120;
constexpr int wrong_secrets_per_minute = 60;
// More: a program whose key was revoked may go on calling, and others behind its address have keys that are right.
constexpr int wrong_credentials_per_minute = 300;
// RFC 8628 §5.1: few enough that 20^8 codes cannot be searched in their ten minutes.
constexpr int user_codes_per_minute = 5;
constexpr int user_codes_per_person_and_hour = 20;

common::auth::throttle_options of(int attempts, std::chrono::milliseconds window) {
    return {.attempts_max = attempts, .window = window, .doublings_max = 0};
}

}  // namespace

request_limits::request_limits(options given, clock_function now)
    : trusted_proxies_(std::move(given.trusted_proxies)),
      now_(std::move(now)),
      registrations_(of(given.registrations_per_hour, hours(1))),
      beginnings_(of(beginnings_per_minute, minutes(1))),
      wrong_secrets_(of(wrong_secrets_per_minute, minutes(1))),
      wrong_credentials_(of(wrong_credentials_per_minute, minutes(1))),
      codes_of_address_(of(user_codes_per_minute, minutes(1))),
      codes_of_person_(of(user_codes_per_person_and_hour, hours(1))) {}

request_limits::wait request_limits::registration(const http_request& request) {
    return registrations_.attempt(key_of(request), now_());
}

request_limits::wait request_limits::beginning(const http_request& request) {
    return beginnings_.attempt(key_of(request), now_());
}

request_limits::wait request_limits::wrong_secret(const http_request& request) {
    return wrong_secrets_.attempt(key_of(request), now_());
}

request_limits::wait request_limits::wrong_credential(const http_request& request) {
    return wrong_credentials_.attempt(key_of(request), now_());
}

request_limits::wait request_limits::user_code(const http_request& request, std::string_view user_id) {
    if (const auto longer = codes_of_address_.attempt(key_of(request), now_())) return longer;
    return codes_of_person_.attempt(std::string(user_id), now_());
}

void request_limits::user_code_was_right(const http_request& request, std::string_view user_id) {
    codes_of_address_.take_back(key_of(request));
    codes_of_person_.take_back(std::string(user_id));
}

std::string request_limits::address_of(const http_request& request) const {
    return common::net::client_address(request, trusted_proxies_);
}

std::string request_limits::key_of(const http_request& request) const {
    return common::net::throttle_key(address_of(request));
}

}  // namespace hub::oauth
