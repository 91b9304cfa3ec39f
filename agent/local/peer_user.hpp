// Which local user owns the other end of a loopback TCP connection, as the kernel's table tells. Blocking, well under a
// millisecond on a machine with some hundred sockets.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace agent::local {

struct socket_address {
    std::string address;  // as text, IPv4 or IPv6
    std::uint16_t port = 0;
};

// nullopt if the connection is not found. Ports alone would not do: another user may connect from 127.0.0.2 with a port
// number that one of ours has on 127.0.0.1.
std::optional<uid_t> user_of_peer(const socket_address& peer, const socket_address& own);

// The inode of the peer's socket, by which the processes that hold it are found.
std::optional<std::uint64_t> inode_of_peer(const socket_address& peer, const socket_address& own);

// The same as user_of_peer() out of a table in the form of proc_net_tcp(5).
std::optional<uid_t> find_user(std::istream& table, const socket_address& peer, const socket_address& own);

}  // namespace agent::local
