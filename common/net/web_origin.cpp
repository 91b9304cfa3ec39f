#include "common/net/web_origin.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace common::net {

namespace {

// Boost.URL's port_number() takes larger ones for others.
bool is_port(std::string_view digits) {
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return ec == std::errc() && end == digits.data() + digits.size() && port != 0;
}

}  // namespace

std::string normal_origin(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme != std::string_view::npos) url = url.substr(0, url.find('/', scheme + 3));
    std::string out(url);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    for (const auto& [prefix, port] : {std::pair("https://", ":443"), std::pair("http://", ":80")})
        if (out.starts_with(prefix) && out.ends_with(port)) out.resize(out.size() - std::string_view(port).size());
    return out;
}

bool is_web_origin(std::string_view text) {
    const auto url = boost::urls::parse_uri(text);
    if (!url || text.contains('*')) return false;
    const bool is_web = url->scheme_id() == boost::urls::scheme::http || url->scheme_id() == boost::urls::scheme::https;
    const bool is_reachable = !url->host().empty() && (!url->has_port() || is_port(url->port()));
    return is_web && is_reachable && !url->has_userinfo() && !url->has_query() && !url->has_fragment() &&
           (url->path().empty() || url->path() == "/");
}

std::optional<std::string> origin_of(const http_request& request) {
    const auto field = request.fields.find("Origin");
    if (!field || request.fields.count("Origin") != 1) return std::nullopt;
    const auto scheme = field->find("://");
    if (scheme == std::string_view::npos || field->find('/', scheme + 3) != std::string_view::npos) return std::nullopt;
    return normal_origin(*field);
}

}  // namespace common::net
