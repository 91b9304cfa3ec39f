#include "common/net/connection_registry.hpp"

#include <gtest/gtest.h>

namespace {
namespace asio = boost::asio;
using common::net::connection_registry;

asio::ip::address ip(const char* text) { return asio::ip::make_address(text); }

class connection_registry_test : public testing::Test {
protected:
    std::shared_ptr<connection_registry> registry(std::size_t total, std::size_t per_peer) {
        return std::make_shared<connection_registry>(io.get_executor(), total, per_peer);
    }
    asio::io_context io;
    std::vector<connection_registry::ticket> tickets;

    bool admit(connection_registry& from, const char* address) {
        auto ticket = from.admit(ip(address));
        if (ticket) tickets.push_back(std::move(*ticket));
        return ticket.has_value();
    }
};

TEST_F(connection_registry_test, gives_each_peer_its_share) {
    const auto r = registry(100, 2);
    EXPECT_TRUE(admit(*r, "192.0.2.1"));
    EXPECT_TRUE(admit(*r, "192.0.2.1"));
    EXPECT_FALSE(admit(*r, "192.0.2.1"));
    EXPECT_FALSE(admit(*r, "::ffff:192.0.2.1")) << "the same peer on a dual-stack socket";
    EXPECT_TRUE(admit(*r, "192.0.2.2"));
    tickets.erase(tickets.begin());
    EXPECT_TRUE(admit(*r, "192.0.2.1"));
    EXPECT_FALSE(admit(*r, "192.0.2.1"));
}

TEST_F(connection_registry_test, an_ipv6_network_is_one_peer) {
    const auto r = registry(100, 1);
    EXPECT_TRUE(admit(*r, "2001:db8:0:1::1"));
    EXPECT_FALSE(admit(*r, "2001:db8:0:1:ffff::2"));
    EXPECT_TRUE(admit(*r, "2001:db8:0:2::1"));
}

TEST_F(connection_registry_test, loopback_has_the_total_only) {
    const auto r = registry(3, 1);
    EXPECT_TRUE(admit(*r, "127.0.0.1"));
    EXPECT_TRUE(admit(*r, "127.0.0.1"));
    EXPECT_TRUE(admit(*r, "::ffff:127.0.0.1"));
    EXPECT_FALSE(admit(*r, "127.0.0.1"));
    tickets.clear();
    EXPECT_TRUE(admit(*r, "::1"));
}

TEST_F(connection_registry_test, a_share_of_nothing_admits_nobody) {
    const auto r = registry(3, 0);
    EXPECT_FALSE(admit(*r, "192.0.2.1"));
    EXPECT_EQ(r->size(), 0U);
}

TEST_F(connection_registry_test, ending_one_while_all_are_told_is_no_problem) {
    const auto r = registry(10, 10);
    ASSERT_TRUE(admit(*r, "192.0.2.1"));
    ASSERT_TRUE(admit(*r, "192.0.2.2"));
    int told = 0;
    for (auto& ticket : tickets) {
        ticket.on_shutdown([&told] { ++told; },
                           [this, &told] {
                               ++told;
                               tickets.clear();
                           });
    }
    r->drain_all();
    EXPECT_EQ(told, 2);
    r->cut_all();
    EXPECT_EQ(told, 4);
    EXPECT_EQ(r->size(), 0U);
}

TEST_F(connection_registry_test, a_ticket_outlives_the_registrys_owner) {
    auto r = registry(10, 10);
    ASSERT_TRUE(admit(*r, "192.0.2.1"));
    r.reset();
    tickets.clear();
}

}  // namespace
