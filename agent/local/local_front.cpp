#include "agent/local/local_front.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "agent/local/peer_user.hpp"

namespace agent::local {

namespace {

using common::net::http_request;
using common::net::http_response;

http_response problem(int status, const char* code, const char* message) {
    http_response response{status, {}, nlohmann::json{{"error", code}, {"message", message}}.dump()};
    response.fields.add("Content-Type", "application/json");
    return response;
}

bool is_loopback_name(std::string_view authority, std::uint16_t port) {
    for (const std::string_view name : {"127.0.0.1", "localhost", "[::1]"})
        if (authority == name || authority == std::string(name) + ":" + std::to_string(port)) return true;
    return false;
}

// A request that came through a proxy is somebody else's, whatever its socket says.
bool was_forwarded(const http_request& request) {
    static constexpr std::array names{"Forwarded",         "X-Forwarded-For", "X-Forwarded-Host",
                                      "X-Forwarded-Proto", "X-Real-IP",       "Via",
                                      "CF-Connecting-IP",  "CF-Ray",          "True-Client-IP"};
    for (const auto* name : names)
        if (request.fields.find(name)) return true;
    return false;
}

bool is_allowed_page(const http_request& request, const std::vector<std::string>& allowed_origins) {
    const auto origin = request.fields.find("Origin");
    return request.fields.count("Origin") == 1 && std::ranges::find(allowed_origins, *origin) != allowed_origins.end();
}

std::optional<http_response> refusal(const http_request& request, std::uint16_t port,
                                     const std::vector<std::string>& allowed_origins) {
    const auto host = request.fields.find("Host");
    if (request.fields.count("Host") != 1 || !is_loopback_name(*host, port))
        return problem(421, "misdirected_request", "This endpoint answers on 127.0.0.1 only.");
    const bool allowed_page = is_allowed_page(request, allowed_origins);
    if (request.fields.find("Origin") && !allowed_page)
        return problem(403, "forbidden_origin", "Web pages may not call this endpoint.");
    if (const auto site = request.fields.find("Sec-Fetch-Site");
        site && !allowed_page && *site != "none" && *site != "same-origin")
        return problem(403, "forbidden_origin", "Web pages may not call this endpoint.");
    if (!request.peer_is_loopback || was_forwarded(request))
        return problem(401, "unauthorized",
                       "This endpoint is for programs on this machine. From elsewhere use the hub's URL.");
    const auto user = user_of_peer(request.peer_address, request.peer_port, port);
    if (!user || (*user != ::geteuid() && *user != 0))
        return problem(401, "unauthorized", "This endpoint is for the user that runs codez agent.");
    return std::nullopt;
}

}  // namespace

local_front::local_front(common::mcp::engine& engine, std::uint16_t port, std::vector<std::string> allowed_origins)
    : engine_(engine), port_(port), allowed_origins_(std::move(allowed_origins)) {
    who_.workspace_id = "local";
    who_.user_id = "local";
    who_.client_id = "loopback";
    who_.name = "a program on this machine";
    who_.scopes = {"mcp:tools"};
}

boost::asio::awaitable<void> local_front::handle(common::net::http_exchange& exchange) {
    const auto& request = exchange.request();
    if (auto no = refusal(request, port_, allowed_origins_)) {
        co_await exchange.respond(std::move(*no));
    } else if (request.path == "/mcp" || request.path == "/mcp/") {
        co_await engine_.handle(exchange, who_, 0);
    } else {
        co_await exchange.respond(
            problem(404, "not_found", "There is nothing at this path. MCP clients connect to /mcp."));
    }
}

}  // namespace agent::local
