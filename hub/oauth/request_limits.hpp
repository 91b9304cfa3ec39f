// How often one address may ask for what costs the hub something, or may guess. In memory; one executor.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/auth/throttle.hpp"
#include "common/net/client_address.hpp"
#include "common/net/http.hpp"

namespace hub::oauth {

class request_limits {
public:
    using clock_function = std::function<common::auth::throttle::time_point()>;
    using wait = std::optional<std::chrono::milliseconds>;  // how long to wait; nullopt: go on

    struct options {
        std::vector<common::net::address_range> trusted_proxies;
        int registrations_per_hour = 10;
    };
    explicit request_limits(options given, clock_function now = std::chrono::steady_clock::now);

    // A registration, successful or not.
    wait registration(const common::net::http_request& request);
    // A request that stores something before anybody has signed in: /authorize, /device_authorization.
    wait beginning(const common::net::http_request& request);
    // Counts a wrong code, token or secret.
    wait wrong_secret(const common::net::http_request& request);
    // Counts a wrong key or access token at /mcp.
    wait wrong_credential(const common::net::http_request& request);
    // A user code that is typed, by that person.
    wait user_code(const common::net::http_request& request, std::string_view user_id);
    void user_code_was_right(const common::net::http_request& request, std::string_view user_id);

    std::string address_of(const common::net::http_request& request) const;

private:
    std::string key_of(const common::net::http_request& request) const;

    std::vector<common::net::address_range> trusted_proxies_;
    clock_function now_;
    common::auth::throttle registrations_;
    common::auth::throttle beginnings_;
    common::auth::throttle wrong_secrets_;
    common::auth::throttle wrong_credentials_;
    common::auth::throttle codes_of_address_;
    common::auth::throttle codes_of_person_;
};

}  // namespace hub::oauth
