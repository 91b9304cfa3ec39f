#include "common/net/listen_address.hpp"

#include <charconv>

namespace common::net {

std::optional<listen_address> parse_listen_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.contains(':')) {
        return std::nullopt;  // an IPv6 address without brackets
    }
    listen_address address{std::string(host), 0};
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    if (ec != std::errc() || end != digits.data() + digits.size() || address.host.empty()) return std::nullopt;
    return address;
}

}  // namespace common::net
