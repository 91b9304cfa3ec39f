// /device_authorization and /device: a machine asks to be let in, a person types its code and decides (RFC 8628, RFC 10027).
// For `codez setup` only, and for enrolling only: who is tricked into it gets a stranger's machine into the workspace, not
// a stranger onto the machines. On the executor of whoever awaits.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/net/http.hpp"
#include "hub/oauth/request_limits.hpp"
#include "hub/oauth/store.hpp"
#include "hub/pages/form.hpp"
#include "hub/people/sessions.hpp"

namespace hub::oauth {

inline constexpr std::string_view setup_client_id = "codez-setup";

class device_endpoint {
public:
    using answer = boost::asio::awaitable<common::net::http_response>;

    // What is given outlives the endpoint.
    device_endpoint(std::string origin, store& rows, common::async::blocking_pool& pool, people::sessions& people,
                    request_limits& limits);

    answer authorize(const common::net::http_request& request);
    answer token(const pages::form& form);
    answer page(const common::net::http_request& request);

private:
    answer show(const common::net::http_request& request, const people::signed_in& person);
    answer decide(const common::net::http_request& request, const people::signed_in& person);

    std::string origin_;
    store& rows_;
    common::async::blocking_pool& pool_;
    people::sessions& people_;
    request_limits& limits_;
};

}  // namespace hub::oauth
