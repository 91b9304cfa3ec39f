#include "common/auth/server_metadata.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/net/connector.hpp"
#include "common/net/fetch_guard.hpp"
#include "common/net/https_url.hpp"

namespace common::auth {
namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr std::size_t metadata_bytes_max = 64 << 10;

std::string https_in(const json& document, const char* name) {
    const auto member = document.find(name);
    if (member == document.end() || !member->is_string()) return {};
    auto url = member->get<std::string>();
    return net::parse_https_url(url) ? url : std::string();
}

// What is not listed is what RFC 8414 §2 takes for granted.
bool takes(const json& document, std::string_view method) {
    const auto methods = document.find("token_endpoint_auth_methods_supported");
    if (methods == document.end()) return method == "client_secret_basic";
    return methods->is_array() && std::ranges::find(*methods, json(method)) != methods->end();
}

}  // namespace

bool is_issuer(std::string_view text) { return net::parse_https_url(text).has_value() && !text.contains('?'); }

std::vector<std::string> metadata_urls(std::string_view issuer) {
    if (issuer.ends_with('/')) issuer.remove_suffix(1);  // OpenID Connect Discovery §4
    const auto path_at = std::min(issuer.find('/', std::string_view("https://").size()), issuer.size());
    const auto origin = issuer.substr(0, path_at);
    const auto path = issuer.substr(path_at);
    return {fmt::format("{}/.well-known/oauth-authorization-server{}", origin, path),
            fmt::format("{}/.well-known/openid-configuration", issuer)};
}

std::expected<server_metadata, std::string> parse_server_metadata(std::string_view body, std::string_view issuer) {
    const json document = json::parse(body, nullptr, false);
    if (!document.is_object()) return std::unexpected("The authorization server's metadata is no JSON object.");
    const auto named = document.find("issuer");
    // RFC 8414 §3.3: or else one server could speak for another.
    if (named == document.end() || *named != issuer)
        return std::unexpected("The authorization server's metadata is of another issuer.");
    const auto sends_issuer = document.find("authorization_response_iss_parameter_supported");
    return server_metadata{.jwks_uri = https_in(document, "jwks_uri"),
                           .introspection_endpoint = https_in(document, "introspection_endpoint"),
                           .authorization_endpoint = https_in(document, "authorization_endpoint"),
                           .token_endpoint = https_in(document, "token_endpoint"),
                           .takes_basic = takes(document, "client_secret_basic"),
                           .takes_post = takes(document, "client_secret_post"),
                           .sends_issuer = sends_issuer != document.end() && *sends_issuer == true};
}

asio::awaitable<std::expected<server_metadata, std::string>> find_server_metadata(
    std::string issuer, server_access access, std::chrono::steady_clock::time_point deadline) {
    std::string why;
    for (auto& url : metadata_urls(issuer)) {
        auto request = net::guarded_request(std::move(url), access.guard);
        request.timeout = net::time_left(deadline);
        request.body_bytes_max = metadata_bytes_max;
        const auto got = co_await access.fetch(std::move(request));
        if (!got) co_return std::unexpected(got.error().message);
        if (got->status == 200) co_return parse_server_metadata(got->body, issuer);
        why = fmt::format("The authorization server answers {} for its metadata.", got->status);
        if (got->status >= 500) break;
    }
    co_return std::unexpected(std::move(why));
}

}  // namespace common::auth
