// The agent's own MCP endpoint on loopback, for clients on this machine. No credential: who may call is judged by the
// socket (auth.md §4 rows 1, 2): a loopback peer, the agent's own user, no sign of a proxy or of a foreign web page.
// The agent's I/O thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/mcp/engine.hpp"
#include "common/net/http.hpp"
#include "proto/principal.hpp"

namespace agent::local {

class local_front {
public:
    // The engine outlives the front. `port` is the listener's. Web pages may call only from `allowed_origins`.
    local_front(common::mcp::engine& engine, std::uint16_t port, std::vector<std::string> allowed_origins = {});

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange);

private:
    common::mcp::engine& engine_;
    std::uint16_t port_;
    std::vector<std::string> allowed_origins_;
    proto::principal who_;
};

}  // namespace agent::local
