#include "hub/oauth/client_document.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/net/https_url.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::oauth {
namespace {

using nlohmann::json;

constexpr std::size_t name_bytes_max = 100;
constexpr std::size_t uri_bytes_max = 2048;
constexpr std::size_t redirects_max = 10;
// Schemes that a browser runs or opens itself.
constexpr std::array<std::string_view, 11> refused_schemes{
    "javascript", "data", "file", "vbscript", "blob", "about", "ws", "wss", "ftp", "mailto", "view-source"};
constexpr std::array<const char*, 5> https_members{"client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"};

// "." and "..", also when a server would decode them first.
bool is_dot_segment(std::string_view segment) {
    std::string plain;
    for (std::size_t i = 0; i < segment.size(); ++i) {
        if (segment.substr(i, 3) == "%2e" || segment.substr(i, 3) == "%2E") {
            plain += '.';
            i += 2;
        } else {
            plain += segment[i];
        }
    }
    return plain == "." || plain == "..";
}

bool has_dot_segment(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash before the segment
        const auto segment = path.substr(0, path.find('/'));
        if (is_dot_segment(segment)) return true;
        path.remove_prefix(segment.size());
    }
    return false;
}

bool is_scheme_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

bool is_loopback_http(std::string_view rest) {
    const auto authority = rest.substr(0, rest.find_first_of("/?"));
    const auto target = common::net::parse_https_authority(authority);  // the same rules of hosts and ports
    return target && (target->host == "127.0.0.1" || target->host == "::1" || target->host == "localhost");
}

std::expected<std::vector<std::string>, std::string> redirects_of(const json& document) {
    const auto member = document.find("redirect_uris");
    if (member == document.end() || !member->is_array() || member->empty() || member->size() > redirects_max)
        return std::unexpected("\"redirect_uris\" must be a list of 1 to 10 URIs.");
    std::vector<std::string> all;
    for (const auto& uri : *member) {
        if (!uri.is_string() || !is_redirect_uri(uri.get_ref<const std::string&>()))
            return std::unexpected(
                "\"redirect_uris\" may hold https URLs, http URLs of loopback and URIs of an app's own scheme, without "
                "a fragment.");
        all.push_back(uri.get<std::string>());
    }
    return all;
}

// Empty if the document has none that can be shown to people.
std::string shown_name(const json& document) {
    const auto member = document.find("client_name");
    if (member == document.end() || !member->is_string()) return {};
    const auto& name = member->get_ref<const std::string&>();
    return tenancy::is_name(name, name_bytes_max) ? name : std::string();
}

std::optional<std::string> find_member_fault(std::string_view client_id, const json& document) {
    const auto id = document.find("client_id");
    if (id == document.end() || !id->is_string() || id->get_ref<const std::string&>() != client_id)
        return "\"client_id\" in it is not the very URL that it was fetched from.";
    if (document.contains("client_secret") || document.contains("client_secret_expires_at"))
        return "It must not hold a client secret: everybody can read it.";
    for (const char* name : https_members) {
        const auto member = document.find(name);
        if (member == document.end() || member->is_null()) continue;
        if (!member->is_string() || !member->get_ref<const std::string&>().starts_with("https://"))
            return fmt::format("\"{}\" must be an https URL.", name);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> find_client_id_fault(std::string_view client_id) {
    const auto url = common::net::parse_https_url(client_id);
    if (!url) return "This client_id cannot be used: " + url.error();
    const auto path = std::string_view(url->path_query).substr(0, url->path_query.find('?'));
    if (path == "/") return "This client_id cannot be used: its URL must have a path, like /client.json.";
    if (has_dot_segment(path)) return "This client_id cannot be used: its path must not contain . or .. segments.";
    return std::nullopt;
}

bool is_redirect_uri(std::string_view uri) {
    if (uri.size() > uri_bytes_max || uri.contains('#')) return false;
    if (std::ranges::any_of(uri, [](char c) { return c <= 0x20 || c >= 0x7f || c == '\\'; })) return false;
    const auto colon = uri.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == uri.size()) return false;
    const auto scheme = tenancy::lower_case(uri.substr(0, colon));
    if (!std::ranges::all_of(scheme, is_scheme_char) || scheme.front() < 'a') return false;
    if (scheme == "https") return uri.starts_with("https://") && common::net::parse_https_url(uri).has_value();
    if (scheme == "http") return uri.starts_with("http://") && is_loopback_http(uri.substr(7));
    return std::ranges::find(refused_schemes, scheme) == refused_schemes.end();
}

std::expected<client_document, std::string> parse_client_document(std::string_view client_id, std::string_view body) {
    const json document = json::parse(body, nullptr, false);
    if (!document.is_object()) return std::unexpected("It is not a JSON object.");
    if (auto fault = find_member_fault(client_id, document)) return std::unexpected(std::move(*fault));
    auto redirects = redirects_of(document);
    if (!redirects) return std::unexpected(std::move(redirects.error()));

    client_document out;
    out.client_id = client_id;
    out.client_host = common::net::parse_https_url(client_id)->host;
    out.client_name = shown_name(document);
    if (out.client_name.empty()) out.client_name = out.client_host.substr(0, name_bytes_max);
    out.redirect_uris = std::move(*redirects);
    out.client_uri = document.value("client_uri", json()).is_string() ? document["client_uri"].get<std::string>() : "";
    // Without the member a document's client has no secret to authenticate with either.
    const auto method = document.find("token_endpoint_auth_method");
    out.token_endpoint_auth_method =
        method == document.end() || !method->is_string() ? "none" : method->get<std::string>();
    if (out.token_endpoint_auth_method != "none" && out.token_endpoint_auth_method != "private_key_jwt")
        return std::unexpected("\"token_endpoint_auth_method\" must be \"none\" or \"private_key_jwt\".");
    return out;
}

}  // namespace hub::oauth
