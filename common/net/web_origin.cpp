#include "common/net/web_origin.hpp"

#include <algorithm>
#include <utility>

namespace common::net {

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
    if (text.ends_with('/')) text.remove_suffix(1);
    const std::string origin = normal_origin(text);
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!origin.starts_with(scheme) || origin.size() == scheme.size()) continue;
        const std::string_view rest = text.substr(scheme.size());
        return rest.find_first_of("/?#@*\\ ") == std::string_view::npos;
    }
    return false;
}

std::optional<std::string> origin_of(const http_request& request) {
    const auto field = request.fields.find("Origin");
    if (!field || request.fields.count("Origin") != 1) return std::nullopt;
    const auto scheme = field->find("://");
    if (scheme == std::string_view::npos || field->find('/', scheme + 3) != std::string_view::npos) return std::nullopt;
    return normal_origin(*field);
}

}  // namespace common::net
