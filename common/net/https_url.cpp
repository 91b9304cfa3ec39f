#include "common/net/https_url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <boost/asio/ip/address.hpp>

namespace common::net {
namespace {

constexpr std::size_t url_bytes_max = 2048;
constexpr std::size_t name_bytes_max = 253;
constexpr std::size_t label_bytes_max = 63;
constexpr std::string_view scheme = "https://";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_label_char(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; }

// What somebody's resolver may take for a number: 1, 0x7f, 017, the last part of 127.1.
bool looks_like_number(std::string_view label) {
    if (label.starts_with("0x")) return true;
    return std::ranges::all_of(label, is_digit);
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= label_bytes_max && std::ranges::all_of(label, is_label_char) &&
           !label.starts_with('-') && !label.ends_with('-');
}

std::optional<std::string> check_name(std::string_view name) {
    if (name.size() > name_bytes_max) return "The URL's host name is too long.";
    std::string_view last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
    for (std::string_view rest = name;;) {
        const auto dot = rest.find('.');
        if (!is_label(rest.substr(0, dot)))
            return "The URL's host must be a name of letters, digits, hyphens and single dots (an international one as "
                   "xn--…).";
        if (dot == std::string_view::npos) break;
        rest.remove_prefix(dot + 1);
    }
    if (!looks_like_number(last)) return std::nullopt;
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address_v4(std::string(name), ec);
    if (ec || address.to_string() != name) return "The URL's host must be a name, or an IPv4 address as 192.0.2.1.";
    return std::nullopt;
}

std::optional<std::string> check_ipv6(std::string_view text) {
    boost::system::error_code ec;
    const bool plain = text.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
    if (plain) std::ignore = boost::asio::ip::make_address_v6(std::string(text), ec);
    if (plain && !ec) return std::nullopt;
    return "The URL's host in brackets is no IPv6 address.";
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (ec != std::errc() || end != digits.data() + digits.size() || digits.starts_with('0')) return std::nullopt;
    return port;
}

}  // namespace

std::expected<connect_target, std::string> parse_https_authority(std::string_view authority) {
    if (authority.contains('@')) return std::unexpected("The URL must not name a user.");
    std::string lower(authority);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    connect_target target{.host = {}, .port = 443, .tls = true, .host_field = lower, .path_query = "/"};
    std::string_view rest = lower;
    std::optional<std::string> wrong;
    if (rest.starts_with('[')) {
        const auto close = rest.find(']');
        if (close == std::string_view::npos) return std::unexpected("The URL's host has no closing bracket.");
        target.host = rest.substr(1, close - 1);
        rest.remove_prefix(close + 1);
        wrong = check_ipv6(target.host);
    } else {
        target.host = rest.substr(0, rest.find(':'));
        rest.remove_prefix(target.host.size());
        wrong = check_name(target.host);
    }
    if (wrong) return std::unexpected(std::move(*wrong));
    if (rest.empty()) return target;
    const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
    if (!port) return std::unexpected("The URL's port must be a number from 1 to 65535.");
    target.port = *port;
    return target;
}

std::expected<connect_target, std::string> parse_https_url(std::string_view url) {
    if (url.size() > url_bytes_max) return std::unexpected("The URL is longer than 2048 bytes.");
    if (!url.starts_with(scheme)) return std::unexpected("The URL must begin with https://.");
    if (std::ranges::any_of(url, [](char c) { return c <= 0x20 || c >= 0x7f || c == '\\'; }))
        return std::unexpected("The URL contains a character that must be percent-encoded.");
    if (url.contains('#')) return std::unexpected("The URL must not have a fragment (#).");
    url.remove_prefix(scheme.size());
    const auto authority = url.substr(0, url.find_first_of("/?"));
    auto target = parse_https_authority(authority);
    if (!target) return target;
    target->path_query = url.substr(authority.size());
    if (!target->path_query.starts_with('/')) target->path_query.insert(0, "/");
    return target;
}

}  // namespace common::net
