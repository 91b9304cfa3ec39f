#include "agent/local/peer_user.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace agent::local {

namespace {

// "0100007F:1001": the address as the kernel prints it, in 32-bit words of the machine's own byte order.
std::optional<std::string> as_in_table(const socket_address& a) {
    std::array<std::uint32_t, 4> words{};
    const bool v6 = a.address.contains(':');
    if (::inet_pton(v6 ? AF_INET6 : AF_INET, a.address.c_str(), words.data()) != 1) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < (v6 ? 4u : 1u); ++i) out += fmt::format("{:08X}", words[i]);
    return out + fmt::format(":{:04X}", a.port);
}

template <class T>
std::optional<T> number(const std::string& text) {
    T value = 0;
    const auto [used, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || used != text.data() + text.size()) return std::nullopt;
    return value;
}

struct table_row {
    std::string uid;
    std::string inode;
};

// "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …"
std::optional<table_row> find_row(std::istream& table, const socket_address& peer, const socket_address& own) {
    const auto from = as_in_table(peer);
    const auto to = as_in_table(own);
    if (!from || !to) return std::nullopt;
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
        std::istringstream fields(line);
        std::string slot, local, remote, state, queues, timer, retransmits, timeout;
        table_row row;
        if (!(fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> row.uid)) continue;
        fields >> timeout >> row.inode;
        constexpr std::string_view established = "01";
        if (local == *from && remote == *to && state == established) return row;
    }
    return std::nullopt;
}

std::ifstream table_of(const socket_address& peer) {
    return std::ifstream(peer.address.contains(':') ? "/proc/net/tcp6" : "/proc/net/tcp");
}

}  // namespace

std::optional<uid_t> find_user(std::istream& table, const socket_address& peer, const socket_address& own) {
    const auto row = find_row(table, peer, own);
    return row ? number<uid_t>(row->uid) : std::nullopt;
}

std::optional<uid_t> user_of_peer(const socket_address& peer, const socket_address& own) {
    auto table = table_of(peer);
    return find_user(table, peer, own);
}

std::optional<std::uint64_t> inode_of_peer(const socket_address& peer, const socket_address& own) {
    auto table = table_of(peer);
    const auto row = find_row(table, peer, own);
    return row ? number<std::uint64_t>(row->inode) : std::nullopt;
}

}  // namespace agent::local
