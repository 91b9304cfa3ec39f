#include "agent/local/peer_user.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace agent::local {
namespace {

constexpr const char* head =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

std::string line(const std::string& local, const std::string& remote, const char* state, unsigned uid) {
    return fmt::format(
        "   1: {} {} {} 00000000:00000000 00:00000000 00000000 {:5}        0 123456 1 0000000000000000 20 4 30 10 -1\n",
        local, remote, state, uid);
}

std::optional<uid_t> find(const std::string& lines, const socket_address& peer = {"127.0.0.1", 40000},
                          const socket_address& own = {"127.0.0.1", 4097}) {
    std::istringstream table(head + lines);
    return find_user(table, peer, own);
}

const std::string ours = "0100007F:1001";  // 127.0.0.1:4097
const std::string peer = "0100007F:9C40";  // 127.0.0.1:40000

TEST(find_user, finds_the_peers_end_of_the_connection) {
    EXPECT_EQ(find(line(peer, ours, "01", 1000)), 1000u);
    EXPECT_EQ(find(line("0100007F:9C41", ours, "01", 7) + line(ours, peer, "01", 0) + line(peer, ours, "01", 1000)),
              1000u);
}

TEST(find_user, the_same_ports_on_another_loopback_address_are_another_connection) {
    // Somebody else connects from 127.0.0.2 with a port that one of the user's own programs has on 127.0.0.1.
    const std::string users = line(peer, ours, "01", 1000);
    const std::string others = line("0200007F:9C40", ours, "01", 2000);
    EXPECT_EQ(find(users + others, {"127.0.0.2", 40000}), 2000u);
    EXPECT_EQ(find(users, {"127.0.0.2", 40000}), std::nullopt);
    // And with the listener's own port: our accepted end must not be taken for theirs.
    const std::string accepted = line(ours, "0200007F:1001", "01", 1000);
    EXPECT_EQ(find(accepted, {"127.0.0.2", 4097}), std::nullopt);
    EXPECT_EQ(find(line(peer, "0200007F:1001", "01", 1000)), std::nullopt);
}

TEST(find_user, only_connections_that_stand) {
    for (const char* state : {"02", "06", "08", "0A"})
        EXPECT_EQ(find(line(peer, ours, state, 0)), std::nullopt) << state;
}

TEST(find_user, damaged_tables_find_nothing) {
    EXPECT_EQ(find(""), std::nullopt);
    EXPECT_EQ(find("   1: 0100007F:9C40 0100007F:1001 01\n"), std::nullopt);
    EXPECT_EQ(find("   1: 0100007F:9C40 0100007F:1001 01 x y z -1\n"), std::nullopt);
    EXPECT_EQ(find("   1: 0100007F:9C40 0100007F:1001 01 x y z 99999999999\n"), std::nullopt);
    EXPECT_EQ(find(line(peer, ours, "01", 1000), {"no address", 40000}), std::nullopt);
}

TEST(find_user, ipv6) {
    const std::string v6 = "00000000000000000000000001000000";
    EXPECT_EQ(find(line(v6 + ":9C40", v6 + ":1001", "01", 1000), {"::1", 40000}, {"::1", 4097}), 1000u);
}

TEST(user_of_peer, of_a_real_connection_is_this_user) {
    const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
    ASSERT_EQ(::listen(listening, 1), 0);
    socklen_t size = sizeof own;
    ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&own), &size), 0);
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
    sockaddr_in from{};
    size = sizeof from;
    ASSERT_EQ(::getsockname(client, reinterpret_cast<sockaddr*>(&from), &size), 0);
    const socket_address peer_side{"127.0.0.1", ntohs(from.sin_port)};
    const socket_address own_side{"127.0.0.1", ntohs(own.sin_port)};
    EXPECT_EQ(user_of_peer(peer_side, own_side), ::geteuid());
    EXPECT_EQ(user_of_peer({"127.0.0.3", peer_side.port}, own_side), std::nullopt);
    ::close(client);
    ::close(listening);
}

}  // namespace
}  // namespace agent::local
