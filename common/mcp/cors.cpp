#include "common/mcp/cors.hpp"

#include <string>
#include <string_view>

#include <fmt/format.h>
#include <boost/beast/core/string.hpp>

#include "common/net/http_format.hpp"
#include "proto/limits.hpp"

namespace common::mcp {

namespace {

constexpr std::string_view methods = "GET, POST, DELETE, OPTIONS";
constexpr std::string_view request_fields =
    "Authorization, X-Codez-Api-Key, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, "
    "Last-Event-ID";
constexpr std::string_view exposed_fields =
    "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, X-Request-Id, Retry-After";
// Any tool may name parameters that travel in fields of their own, so these are allowed by their beginning.
constexpr std::string_view parameter_prefix = "mcp-param-";
constexpr std::string_view requested = "Access-Control-Request-Headers";

void append_parameters(std::string& out, std::string_view list) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        std::string_view name = list.substr(0, comma);
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
        const auto first = name.find_first_not_of(" \t");
        if (first == std::string_view::npos) continue;
        name = name.substr(first, name.find_last_not_of(" \t") - first + 1);
        if (boost::beast::iequals(name.substr(0, parameter_prefix.size()), parameter_prefix) && net::is_token(name))
            out.append(", ").append(name);
    }
}

}  // namespace

bool is_preflight(const net::http_request& request) {
    return request.method == "OPTIONS" && request.fields.count("Origin") == 1 &&
           request.fields.count("Access-Control-Request-Method") == 1;
}

net::http_response preflight_answer(const net::http_request& request) {
    std::string allowed(request_fields);
    for (const auto& [name, value] : request.fields.all())
        if (boost::beast::iequals(name, requested)) append_parameters(allowed, value);
    net::http_response response{204, {}, {}};
    response.fields.add("Access-Control-Allow-Methods", std::string(methods));
    response.fields.add("Access-Control-Allow-Headers", std::move(allowed));
    response.fields.add("Access-Control-Max-Age", fmt::format("{}", proto::limits::cors_preflight_s));
    return response;
}

net::http_fields cors_fields(const net::http_request& request) {
    const auto origin = request.fields.find("Origin");
    if (!origin) return {};
    return {{"Access-Control-Allow-Origin", std::string(*origin)},
            {"Access-Control-Expose-Headers", std::string(exposed_fields)},
            {"Vary", "Origin"}};
}

}  // namespace common::mcp
