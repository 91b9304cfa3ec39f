#include "hub/oauth/redirect_uri.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "hub/oauth/limits.hpp"
#include "hub/pages/form.hpp"

namespace hub::oauth {

namespace {

constexpr std::array<std::string_view, 3> loopback_hosts{"127.0.0.1", "[::1]", "localhost"};
// Schemes that a browser runs, opens or resolves by itself.
constexpr std::array<std::string_view, 14> forbidden_schemes{
    "javascript", "data", "file",   "vbscript",    "blob",       "about",  "ws",
    "wss",        "ftp",  "mailto", "view-source", "filesystem", "intent", "chrome"};

bool is_digits(std::string_view text) { return text.find_first_not_of("0123456789") == std::string_view::npos; }

// What is behind host and port of a loopback URI; nullopt if it is none.
struct loopback_parts {
    std::string_view host;
    std::string_view rest;
};
std::optional<loopback_parts> split_loopback(std::string_view uri) {
    constexpr std::string_view scheme = "http://";
    if (!uri.starts_with(scheme)) return std::nullopt;
    uri.remove_prefix(scheme.size());
    const auto host = std::ranges::find_if(loopback_hosts, [&](std::string_view h) { return uri.starts_with(h); });
    if (host == loopback_hosts.end()) return std::nullopt;
    auto rest = uri.substr(host->size());
    if (rest.starts_with(':')) {
        const auto end = std::min(rest.find_first_of("/?"), rest.size());
        const auto port = rest.substr(1, end - 1);
        if (port.empty() || port.size() > 5 || !is_digits(port)) return std::nullopt;
        rest.remove_prefix(end);
    }
    if (!rest.empty() && rest.front() != '/' && rest.front() != '?') return std::nullopt;
    return loopback_parts{*host, rest};
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return out;
}

// The authority, for schemes that have one.
std::string_view authority_of(std::string_view uri) {
    const auto begin = uri.find("://");
    if (begin == std::string_view::npos) return {};
    uri.remove_prefix(begin + 3);
    return uri.substr(0, uri.find_first_of("/?#"));
}

std::string_view scheme_of(std::string_view uri) { return uri.substr(0, uri.find(':')); }

}  // namespace

std::optional<std::string> why_not_redirect_uri(std::string_view uri) {
    if (uri.empty() || uri.size() > limits::redirect_uri_bytes_max) return "A redirect URI has 1 to 2048 bytes.";
    const auto parsed = boost::urls::parse_uri(uri);
    if (!parsed || uri.ends_with(':') || uri.find_first_of("*\\") != std::string_view::npos)
        return "A redirect URI must be an absolute URI (RFC 3986), without wildcards.";
    if (parsed->has_fragment()) return "A redirect URI must not have a fragment (RFC 6749, 3.1.2).";
    if (parsed->has_userinfo()) return "A redirect URI must not name a user.";
    const std::string scheme = lower(scheme_of(uri));
    if (scheme != scheme_of(uri)) return "Write the scheme of a redirect URI in lower case.";
    if (std::ranges::find(forbidden_schemes, scheme) != forbidden_schemes.end())
        return fmt::format("A redirect URI must not have the scheme {}.", scheme);
    if (scheme == "https") {
        if (authority_of(uri).empty() || parsed->host().empty()) return "An https redirect URI must name a host.";
        return std::nullopt;
    }
    if (scheme == "http" && !split_loopback(uri))
        return "A redirect URI must be https, unless it is http on 127.0.0.1, [::1] or localhost.";
    return std::nullopt;
}

bool is_loopback_redirect(std::string_view uri) { return split_loopback(uri).has_value(); }

bool is_same_redirect(std::string_view registered, std::string_view requested) {
    if (registered == requested) return true;
    const auto a = split_loopback(registered);
    const auto b = split_loopback(requested);
    return a && b && a->host == b->host && a->rest == b->rest;
}

bool is_registered(const std::vector<std::string>& registered, std::string_view requested) {
    return !why_not_redirect_uri(requested) &&
           std::ranges::any_of(registered, [&](const std::string& one) { return is_same_redirect(one, requested); });
}

std::string form_target_of(std::string_view uri) {
    const auto scheme = scheme_of(uri);
    if (scheme == "http" || scheme == "https") return fmt::format("{}://{}", scheme, authority_of(uri));
    return fmt::format("{}:", scheme);
}

std::string destination_of(std::string_view uri) {
    if (is_loopback_redirect(uri)) return "a program on this computer";
    const auto scheme = scheme_of(uri);
    if (scheme == "https") return std::string(authority_of(uri));
    return fmt::format("the application \"{}\" on this computer", scheme);
}

std::string with_parameters(std::string_view uri,
                            const std::vector<std::pair<std::string_view, std::string>>& parameters) {
    std::string out(uri);
    char separator = uri.find('?') == std::string_view::npos ? '?' : '&';
    for (const auto& [name, value] : parameters) {
        out += fmt::format("{}{}={}", separator, name, pages::encode_component(value));
        separator = '&';
    }
    return out;
}

}  // namespace hub::oauth
