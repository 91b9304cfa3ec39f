// /authorize, /consent and /connections: what people decide about clients (RFC 6749 §3.1, RFC 9700). On the
// executor of whoever awaits.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/net/http.hpp"
#include "hub/oauth/client_finder.hpp"
#include "hub/oauth/request_limits.hpp"
#include "hub/oauth/store.hpp"
#include "hub/people/sessions.hpp"

namespace hub::oauth {

struct judged_request;

class authorization_endpoint {
public:
    using answer = boost::asio::awaitable<common::net::http_response>;

    // `origin` is the issuer. What is given outlives the endpoint.
    authorization_endpoint(std::string origin, store& rows, common::async::blocking_pool& pool, client_finder& clients,
                           people::sessions& people, request_limits& limits);

    answer authorize(const common::net::http_request& request);
    answer consent(const common::net::http_request& request);
    // What a person has allowed before, and its end.
    answer connections(const common::net::http_request& request);

private:
    // The registered server of that audience; without one it is the hub itself. not_found: nobody's.
    boost::asio::awaitable<result<std::optional<resource_server>>> resource_of(std::string audience);
    answer go_on(const common::net::http_request& request, const client& from, judged_request judged);
    // A code without asking, where the person has allowed the very same before; nullopt: ask.
    boost::asio::awaitable<result<std::optional<std::string>>> allowed_before(const people::signed_in& person,
                                                                              const client& from,
                                                                              const authorization_request& request);
    answer show(const people::signed_in& person, const authorization_request& request);
    answer decide(const people::signed_in& person, const common::net::http_request& request);
    common::net::http_response with_code(const authorization_request& request, const std::string& code) const;
    common::net::http_response with_error(std::string_view redirect_uri, std::string_view state, std::string_view error,
                                          std::string_view description) const;

    std::string origin_;
    store& rows_;
    common::async::blocking_pool& pool_;
    client_finder& clients_;
    people::sessions& people_;
    request_limits& limits_;
};

}  // namespace hub::oauth
