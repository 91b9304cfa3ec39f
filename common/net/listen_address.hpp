// Where to listen, as people write it: "127.0.0.1:4096", "[::1]:4096". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace common::net {

struct listen_address {
    std::string host;
    std::uint16_t port = 0;
};

// Null: of another form. The host is checked when it is listened on.
std::optional<listen_address> parse_listen_address(std::string_view text);

}  // namespace common::net
