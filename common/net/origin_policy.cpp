#include "common/net/origin_policy.hpp"

#include <algorithm>
#include <utility>

#include "common/net/web_origin.hpp"

namespace common::net {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

// "127.0.0.1", "localhost" or "[::1]", with or without a port.
bool is_loopback_authority(std::string_view authority) {
    for (const std::string_view name : {"127.0.0.1", "localhost", "[::1]"}) {
        if (!authority.starts_with(name)) continue;
        std::string_view port = authority.substr(name.size());
        if (port.empty()) return true;
        if (!port.starts_with(':') || port.size() < 2 || port.size() > 6) continue;
        port.remove_prefix(1);
        if (std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; })) return true;
    }
    return false;
}

}  // namespace

origin_policy::origin_policy(std::string_view public_url, std::vector<std::string> allowed_origins)
    : origin_(normal_origin(public_url)), allowed_origins_(std::move(allowed_origins)) {
    scheme_ = origin_.substr(0, origin_.find("://") + 3);
    for (auto& origin : allowed_origins_) origin = normal_origin(origin);
}

bool origin_policy::accepts_host(const http_request& request) const {
    if (request.fields.count("Host") != 1) return false;
    const std::string_view host = *request.fields.find("Host");
    if (host.find('/') != std::string_view::npos) return false;
    return normal_origin(scheme_ + std::string(host)) == origin_ ||
           (request.peer_is_loopback && is_loopback_authority(lower(host)));
}

bool origin_policy::accepts_origin(const http_request& request) const {
    if (request.fields.count("Origin") == 0) return true;
    const auto origin = origin_of(request);
    if (!origin) return false;
    if (*origin == origin_ || std::ranges::find(allowed_origins_, *origin) != allowed_origins_.end()) return true;
    if (!request.peer_is_loopback) return false;
    for (const std::string_view scheme : {"http://", "https://"})
        if (origin->starts_with(scheme) && is_loopback_authority(std::string_view(*origin).substr(scheme.size())))
            return true;
    return false;
}

}  // namespace common::net
