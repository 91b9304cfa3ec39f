// The hub's public face: one handler for every HTTP request. Checks Host and Origin, finds out who calls, and hands the
// exchange to the MCP engine, the link endpoint or the enrolment. One for the program; runs on each connection's executor.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/auth/resource_server.hpp"
#include "common/net/http.hpp"
#include "hub/oauth/server.hpp"
#include "proto/principal.hpp"

namespace common::mcp {
class engine;
}
namespace hub::identity {
class verifier;
}

namespace hub::front {

using common::auth::api_handler;
using http_handler = std::function<boost::asio::awaitable<void>(common::net::http_exchange&)>;

struct front_options {
    std::string public_url;  // without a trailing slash, e.g. "https://hub.example.com"
    std::vector<std::string> allowed_origins;
    std::string issuer{};  // of the authorization server that clients are sent to; empty: the hub's own
};

// Who serves what besides MCP.
struct front_handlers {
    http_handler link;    // GET /agent/v1/link
    http_handler enroll;  // POST /agent/v1/enroll
    api_handler upload;   // PUT /api/v1/uploads
    std::function<boost::asio::awaitable<void>(common::net::http_exchange&, oauth::endpoint)> authorization_server;
    api_handler resource_servers;  // /api/servers
    std::function<bool(std::string_view path)> is_page = [](std::string_view) { return false; };
    http_handler pages;  // the hub's own, in a browser
    // Told of each wrong credential; how long its sender must wait, if there were too many.
    std::function<std::optional<std::chrono::milliseconds>(const common::net::http_request&)> wrong_credential =
        [](const common::net::http_request&) { return std::nullopt; };
};

class front {
public:
    // Everything given outlives the front.
    front(front_options options, identity::verifier& verifier, common::mcp::engine& mcp, front_handlers handlers);

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange);
    // For the listener: what stands on every answer, and the fields that let a page of an allowed origin read it.
    common::net::http_fields answer_fields(const common::net::http_request& request) const;

private:
    boost::asio::awaitable<void> route(common::net::http_exchange& exchange);

    common::auth::resource_server server_;
    common::mcp::engine& mcp_;
    front_handlers handlers_;
    api_handler call_mcp_;
};

}  // namespace hub::front
