// The agent's own MCP endpoint on loopback, for clients on this machine. No credential: who may call is judged by the
// socket: a loopback peer, the agent's own user, no sign of a proxy or of a foreign web page.
// The agent's I/O thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/local/peer_session.hpp"
#include "agent/local/peer_user.hpp"
#include "common/mcp/engine.hpp"
#include "common/net/http.hpp"
#include "proto/principal.hpp"

namespace agent::local {

class local_front {
public:
    using api_handler =
        std::function<boost::asio::awaitable<void>(common::net::http_exchange&, const proto::principal&)>;
    using peer_lookup = std::function<std::optional<uid_t>(const socket_address& peer, const socket_address& own)>;

    using session_lookup = std::function<caller_session(const socket_address& peer, const socket_address& own)>;

    // The engine outlives the front. `own` is the listener's address. Web pages may call only from `allowed_origins`.
    // `upload` serves PUT /api/v1/uploads; without it there is nothing at that path.
    local_front(common::mcp::engine& engine, socket_address own, peer_lookup user_of, session_lookup session_of,
                std::vector<std::string> allowed_origins = {}, api_handler upload = {});

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange);
    // For the listener: the fields that let a page of an allowed origin read any answer.
    common::net::http_fields answer_fields(const common::net::http_request& request) const;

private:
    // Why the request is not answered here; nullopt if it is.
    std::optional<common::net::http_response> refusal(const common::net::http_request& request) const;
    bool from_allowed_page(const common::net::http_request& request) const;
    struct caller {
        proto::principal who;
        int depth = 0;
    };
    caller who_calls(const common::net::http_request& request) const;
    bool is_own_name(std::string_view authority) const;

    common::mcp::engine& engine_;
    socket_address own_;
    peer_lookup user_of_;
    session_lookup session_of_;
    std::vector<std::string> allowed_origins_;
    api_handler upload_;
    proto::principal who_;
};

}  // namespace agent::local
