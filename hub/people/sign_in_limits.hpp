// How often a password may be tried: 5 times in 15 minutes for an account, 20 times from an address, whoever is meant by
// it; then longer and longer. It does not matter whether there is such an account. One executor.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/auth/throttle.hpp"
#include "common/net/client_address.hpp"

namespace hub::people {

class sign_in_limits {
public:
    using clock_function = std::function<common::auth::throttle::time_point()>;

    explicit sign_in_limits(std::vector<common::net::address_range> trusted_proxies,
                            clock_function now = std::chrono::steady_clock::now);

    // Counts an attempt, before the password is looked at. How long to wait; nullopt: go on.
    std::optional<std::chrono::milliseconds> begin(const common::net::http_request& request, std::string_view email);
    // The same of what comes back from a provider of accounts, where nobody says who is meant.
    std::optional<std::chrono::milliseconds> begin(const common::net::http_request& request);
    void take_back(const common::net::http_request& request);
    // Counts that somebody is sent to a provider: a hundred times in 15 minutes from an address.
    std::optional<std::chrono::milliseconds> begin_visit(const common::net::http_request& request);
    // Has the address failed before the attempt that has begun?
    bool has_failed_before(const common::net::http_request& request) const;
    // The password was right.
    void succeeded(const common::net::http_request& request, std::string_view email);
    // The attempt came to nothing for reasons of the hub.
    void take_back(const common::net::http_request& request, std::string_view email);
    // Somebody got in by other means, e.g. a link.
    void forgive(std::string_view email);

    std::string address_of(const common::net::http_request& request) const;

private:
    std::vector<common::net::address_range> trusted_proxies_;
    clock_function now_;
    common::auth::throttle accounts_;
    common::auth::throttle addresses_;
    common::auth::throttle visits_;
};

}  // namespace hub::people
