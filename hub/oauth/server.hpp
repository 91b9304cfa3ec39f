// The embedded authorization server: its endpoints at the hub's origin, each with an alias under /oauth. One for the
// program; runs on each connection's executor.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/net/http.hpp"
#include "hub/oauth/authorization_endpoint.hpp"
#include "hub/oauth/client_finder.hpp"
#include "hub/oauth/device_endpoint.hpp"
#include "hub/oauth/request_limits.hpp"
#include "hub/oauth/resource_registration.hpp"
#include "hub/oauth/token_endpoint.hpp"

namespace hub::oauth {

// What of the server is at this path.
enum class endpoint {
    none,
    server_metadata,
    authorize,
    consent,
    token,
    registration,
    revoke,
    introspect,
    userinfo,
    jwks,
    device_authorization,
    device,
    connections,
    resource_metadata
};
endpoint endpoint_at(std::string_view path);

// Programs in web pages of any origin may call it: it takes no cookie, and every right is in the request itself.
bool is_open(endpoint which);

class server {
public:
    // `origin` is the issuer. What is given outlives the server.
    server(std::string origin, store& rows, common::async::blocking_pool& pool, client_documents& documents,
           people::sessions& people, common::crypto::es256_key id_token_key, request_limits& limits);

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange, endpoint which);
    // /api/servers, of somebody who has proven who they are.
    boost::asio::awaitable<void> serve_resources(common::net::http_exchange& exchange, const proto::principal& who);
    // Removes what has expired, now and then, until the executor ends.
    boost::asio::awaitable<void> keep_pruned();

private:
    using answer = boost::asio::awaitable<common::net::http_response>;
    answer answer_to(const common::net::http_request& request, endpoint which);
    answer register_client(const common::net::http_request& request);

    std::string origin_;
    store& rows_;
    request_limits& limits_;
    common::async::blocking_pool& pool_;
    id_token_issuer id_tokens_;
    client_finder clients_;
    authorization_endpoint authorization_;
    device_endpoint devices_;
    token_endpoint tokens_;
    resource_registration resources_;
};

}  // namespace hub::oauth
