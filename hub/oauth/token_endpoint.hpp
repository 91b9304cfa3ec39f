// The endpoints that programs call with a form: /token (RFC 6749 §3.2), /revoke (RFC 7009), /introspect (RFC 7662), and
// /userinfo. On the executor of whoever awaits.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/net/http.hpp"
#include "hub/oauth/client_finder.hpp"
#include "hub/oauth/device_endpoint.hpp"
#include "hub/oauth/id_token.hpp"
#include "hub/oauth/request_limits.hpp"
#include "hub/oauth/store.hpp"

namespace hub::oauth {

class token_endpoint {
public:
    using answer = boost::asio::awaitable<common::net::http_response>;

    // `origin` is the issuer. What is given outlives the endpoint.
    token_endpoint(std::string origin, store& rows, common::async::blocking_pool& pool, client_finder& clients,
                   device_endpoint& devices, const id_token_issuer& id_tokens, request_limits& limits);

    answer token(const common::net::http_request& request);
    answer revoke(const common::net::http_request& request);
    answer introspect(const common::net::http_request& request);
    answer userinfo(const common::net::http_request& request);

private:
    struct authenticated;
    boost::asio::awaitable<std::expected<authenticated, common::net::http_response>> authenticate(
        const common::net::http_request& request);
    answer answer_grant(const common::net::http_request& request);
    answer redeem(authenticated from);
    answer refresh(authenticated from);
    boost::asio::awaitable<result<token_grant>> find_token(std::string token);
    answer issued(token_result outcome);

    std::string origin_;
    store& rows_;
    common::async::blocking_pool& pool_;
    client_finder& clients_;
    device_endpoint& devices_;
    const id_token_issuer& id_tokens_;
    request_limits& limits_;
};

}  // namespace hub::oauth
