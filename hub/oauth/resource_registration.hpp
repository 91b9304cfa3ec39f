// POST and GET /api/servers, as MCPAuthKit has them: another resource server of the workspace gets tokens from this hub, and
// asks it about them. GET /prm/ID: its protected resource metadata (RFC 9728). On the executor of whoever awaits.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/net/http.hpp"
#include "hub/oauth/store.hpp"
#include "proto/principal.hpp"

namespace hub::oauth {

inline constexpr std::string_view resource_servers_path = "/api/servers";
inline constexpr std::string_view resource_servers_metadata_prefix = "/prm/";

class resource_registration {
public:
    using answer = boost::asio::awaitable<common::net::http_response>;

    // What is given outlives the registration.
    resource_registration(std::string origin, store& rows, common::async::blocking_pool& pool);

    // Only with workspace:admin.
    answer servers(const common::net::http_request& request, const proto::principal& who);
    answer metadata(const common::net::http_request& request);

private:
    answer add(const common::net::http_request& request, const proto::principal& who);

    std::string origin_;
    store& rows_;
    common::async::blocking_pool& pool_;
};

}  // namespace hub::oauth
