#include "hub/people/sign_in_limits.hpp"

#include <utility>

#include "common/crypto/digest.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::people {

namespace {

constexpr int attempts_per_account = 5;
constexpr int attempts_per_address = 20;
constexpr int visits_per_address = 100;

// Of one size, whatever somebody types.
std::string account_key(std::string_view email) { return common::crypto::sha256(tenancy::lower_case(email)); }

}  // namespace

sign_in_limits::sign_in_limits(std::vector<common::net::address_range> trusted_proxies, clock_function now)
    : trusted_proxies_(std::move(trusted_proxies)),
      now_(std::move(now)),
      accounts_({.attempts_max = attempts_per_account}),
      addresses_({.attempts_max = attempts_per_address}),
      visits_({.attempts_max = visits_per_address}) {}

std::optional<std::chrono::milliseconds> sign_in_limits::begin(const common::net::http_request& request,
                                                               std::string_view email) {
    if (const auto wait = begin(request)) return wait;
    return accounts_.attempt(account_key(email), now_());
}

std::optional<std::chrono::milliseconds> sign_in_limits::begin(const common::net::http_request& request) {
    return addresses_.attempt(common::net::throttle_key(address_of(request)), now_());
}

void sign_in_limits::take_back(const common::net::http_request& request) {
    addresses_.take_back(common::net::throttle_key(address_of(request)));
}

std::optional<std::chrono::milliseconds> sign_in_limits::begin_visit(const common::net::http_request& request) {
    return visits_.attempt(common::net::throttle_key(address_of(request)), now_());
}

bool sign_in_limits::has_failed_before(const common::net::http_request& request) const {
    return addresses_.attempts(common::net::throttle_key(address_of(request))) > 1;
}

void sign_in_limits::succeeded(const common::net::http_request& request, std::string_view email) {
    take_back(request);
    forgive(email);
}

void sign_in_limits::take_back(const common::net::http_request& request, std::string_view email) {
    take_back(request);
    accounts_.take_back(account_key(email));
}

void sign_in_limits::forgive(std::string_view email) { accounts_.forget(account_key(email)); }

std::string sign_in_limits::address_of(const common::net::http_request& request) const {
    return common::net::client_address(request, trusted_proxies_);
}

}  // namespace hub::people
