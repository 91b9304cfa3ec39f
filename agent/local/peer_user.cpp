#include "agent/local/peer_user.hpp"

#include <cstdio>
#include <fstream>
#include <string>

namespace agent::local {

// Lines of proc_net_tcp(5): "sl local_address rem_address st tx:rx tr:when retrnsmt uid …", ports in hex.
std::optional<uid_t> user_of_peer(std::string_view peer_address, std::uint16_t peer_port, std::uint16_t local_port) {
    const bool v6 = peer_address.contains(':');
    std::ifstream table(v6 ? "/proc/net/tcp6" : "/proc/net/tcp");
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
        unsigned from = 0;
        unsigned to = 0;
        unsigned state = 0;
        unsigned uid = 0;
        // The address is any: a loopback pair of ports is unique on the machine.
        if (std::sscanf(line.c_str(), " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %x %*x:%*x %*x:%*x %*x %u", &from, &to, &state,
                        &uid) != 4)
            continue;
        constexpr unsigned established = 1;
        if (from == peer_port && to == local_port && state == established) return uid;
    }
    return std::nullopt;
}

}  // namespace agent::local
