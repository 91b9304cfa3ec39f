#include "agent/local/local_front.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "agent/local/caller.hpp"
#include "common/api/upload_request.hpp"
#include "common/mcp/cors.hpp"
#include "common/net/web_origin.hpp"

namespace agent::local {

namespace {

using common::net::http_request;
using common::net::http_response;

http_response problem(int status, const char* code, const char* message) {
    http_response response{status, {}, nlohmann::json{{"error", code}, {"message", message}}.dump()};
    response.fields.add("Content-Type", "application/json");
    return response;
}

// A request that came through a proxy is somebody else's, whatever its socket says.
bool was_forwarded(const http_request& request) {
    static constexpr std::array names{"forwarded", "x-real-ip", "x-client-ip", "via", "true-client-ip", "cdn-loop"};
    static constexpr std::array<std::string_view, 2> families{"x-forwarded-", "cf-"};
    return std::ranges::any_of(request.fields.all(), [](const auto& field) {
        std::string name(field.first);
        std::ranges::transform(name, name.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        return std::ranges::find(names, name) != names.end() ||
               std::ranges::any_of(families, [&](std::string_view family) { return name.starts_with(family); });
    });
}

// Of the sites that a browser tells: a page of this very origin, or the person at the address bar.
bool from_foreign_page(const http_request& request) {
    if (request.fields.count("Origin") > 0 || request.fields.count("Sec-Fetch-Site") > 1) return true;
    const auto site = request.fields.find("Sec-Fetch-Site");
    return site && *site != "none" && *site != "same-origin";
}

}  // namespace

local_front::local_front(common::mcp::engine& engine, socket_address own, peer_lookup user_of,
                         session_lookup session_of, std::vector<std::string> allowed_origins, api_handler upload)
    : engine_(engine),
      own_(std::move(own)),
      user_of_(std::move(user_of)),
      session_of_(std::move(session_of)),
      allowed_origins_(std::move(allowed_origins)),
      upload_(std::move(upload)) {
    for (auto& origin : allowed_origins_) origin = common::net::normal_origin(origin);
    who_.workspace_id = "local";
    who_.user_id = "local";
    who_.client_id = program_client;
    who_.name = "a program on this machine";
    who_.scopes = {"mcp:tools"};
}

bool local_front::is_own_name(std::string_view authority) const {
    std::string name(authority);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const std::string port = ":" + std::to_string(own_.port);
    if (name.ends_with(port)) name.resize(name.size() - port.size());
    return name == "127.0.0.1" || name == "localhost" || name == "[::1]";
}

bool local_front::from_allowed_page(const http_request& request) const {
    const auto origin = common::net::origin_of(request);
    return origin && std::ranges::find(allowed_origins_, *origin) != allowed_origins_.end();
}

common::net::http_fields local_front::answer_fields(const http_request& request) const {
    return from_allowed_page(request) ? common::mcp::cors_fields(request) : common::net::http_fields();
}

std::optional<http_response> local_front::refusal(const http_request& request) const {
    const auto host = request.fields.find("Host");
    if (request.fields.count("Host") != 1 || !is_own_name(*host))
        return problem(421, "misdirected_request", "This endpoint answers on 127.0.0.1 and localhost only.");
    if (!from_allowed_page(request) && from_foreign_page(request))
        return problem(403, "forbidden_origin", "Web pages may not call this endpoint.");
    if (!request.peer_is_loopback || was_forwarded(request))
        return problem(
            401, "unauthorized",
            "This endpoint is for programs on this machine. From elsewhere use the hub's URL, or that of --listen.");
    const auto user = user_of_({request.peer_address, request.peer_port}, own_);
    if (!user || (*user != ::geteuid() && *user != 0))
        return problem(401, "unauthorized", "This endpoint is for the user that runs codez agent.");
    return std::nullopt;
}

local_front::caller local_front::who_calls(const http_request& request) const {
    caller out{who_, 0};
    const auto session = session_of_({request.peer_address, request.peer_port}, own_);
    if (!session.session_id.empty()) {
        out.who.client_id = std::string(session_client) + session.session_id;
        out.who.name = "a program in session " + session.session_id;
        out.depth = session.depth;
    } else if (!session.found) {
        out.who.client_id = hidden_client;
        out.who.name = "a hidden program on this machine";
    }
    return out;
}

boost::asio::awaitable<void> local_front::handle(common::net::http_exchange& exchange) {
    const auto& request = exchange.request();
    if (auto no = refusal(request)) {
        co_await exchange.respond(std::move(*no));
    } else if (common::mcp::is_preflight(request)) {
        co_await exchange.respond(common::mcp::preflight_answer(request));
    } else if (request.path == "/mcp" || request.path == "/mcp/") {
        const caller from = who_calls(request);
        co_await engine_.handle(exchange, from.who, from.depth);
    } else if (common::api::is_upload(request) && upload_) {
        const caller from = who_calls(request);
        co_await upload_(exchange, from.who);
    } else {
        co_await exchange.respond(
            problem(404, "not_found", "There is nothing at this path. MCP clients connect to /mcp."));
    }
}

}  // namespace agent::local
