// Every request to an agent that is reached directly: judged like one to a hub, whatever its peer. The agent's I/O thread.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/auth/resource_server.hpp"
#include "common/mcp/engine.hpp"
#include "common/net/http.hpp"

namespace agent::direct {

class direct_front {
public:
    // The engine outlives the front. `upload` serves PUT /api/v1/uploads, for who has the scope for it.
    direct_front(common::auth::resource_server server, std::string public_url, common::mcp::engine& engine,
                 common::auth::api_handler upload);

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange);
    // For the listener: the fields that let a page of an allowed origin read any answer.
    common::net::http_fields answer_fields(const common::net::http_request& request) const;

private:
    bool is_metadata(std::string_view path) const;
    boost::asio::awaitable<void> take_upload(common::net::http_exchange& exchange, const proto::principal& who);

    common::auth::resource_server server_;
    std::string public_url_;
    common::mcp::engine& engine_;
    common::auth::api_handler upload_;
    common::auth::api_handler call_mcp_;
    common::auth::api_handler check_upload_;
};

}  // namespace agent::direct
