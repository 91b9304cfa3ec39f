// Which local user owns the other end of a loopback TCP connection, as /proc/net/tcp tells. Blocking, well under a
// millisecond on a machine with some hundred sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace agent::local {

// The peer's socket is peer_address:peer_port, ours local_port. nullopt if it is not found.
std::optional<uid_t> user_of_peer(std::string_view peer_address, std::uint16_t peer_port, std::uint16_t local_port);

}  // namespace agent::local
