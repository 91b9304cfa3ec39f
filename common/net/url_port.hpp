// The port of a URL. Boost 1.81's url_view::port_number() wraps around above 65535, so the digits are read here.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/url/url_view.hpp>

namespace common::net {

// `standard` if the URL names none; null if it is no port.
inline std::optional<std::uint16_t> port_of(const boost::urls::url_view& url, std::uint16_t standard) {
    const std::string digits(url.port().data(), url.port().size());
    if (digits.empty()) return standard;
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (ec != std::errc() || end != digits.data() + digits.size() || port == 0) return std::nullopt;
    return port;
}

}  // namespace common::net
