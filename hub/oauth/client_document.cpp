#include "hub/oauth/client_document.hpp"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/net/https_url.hpp"
#include "hub/oauth/limits.hpp"
#include "hub/oauth/redirect_uri.hpp"
#include "hub/tenancy/plain_text.hpp"

namespace hub::oauth {
namespace {

using nlohmann::json;

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

std::expected<std::vector<std::string>, std::string> redirects_of(const json& document) {
    const auto member = document.find("redirect_uris");
    if (member == document.end() || !member->is_array() || member->empty() ||
        member->size() > limits::redirect_uris_max)
        return std::unexpected("\"redirect_uris\" must be a list of 1 to 10 URIs.");
    std::vector<std::string> all;
    for (const auto& uri : *member) {
        if (!uri.is_string()) return std::unexpected("\"redirect_uris\" may hold strings only.");
        if (const auto fault = why_not_redirect_uri(uri.get_ref<const std::string&>()))
            return std::unexpected("\"redirect_uris\": " + *fault);
        all.push_back(uri.get<std::string>());
    }
    return all;
}

// Empty if the document has none that can be shown to people.
std::string shown_name(const json& document) {
    const auto member = document.find("client_name");
    if (member == document.end() || !member->is_string()) return {};
    const auto& name = member->get_ref<const std::string&>();
    return tenancy::is_name(name, limits::client_name_bytes_max) ? name : std::string();
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
    if (out.client_name.empty()) out.client_name = out.client_host.substr(0, limits::client_name_bytes_max);
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
