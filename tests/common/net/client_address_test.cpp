#include "common/net/client_address.hpp"

#include <gtest/gtest.h>

namespace common::net {
namespace {

std::string from(const std::string& peer, const std::vector<std::string>& forwarded,
                 const std::vector<std::string>& trusted = {"10.0.0.0/8", "::1"}) {
    http_request request;
    request.peer_address = peer;
    for (const auto& value : forwarded) request.fields.add("X-Forwarded-For", value);
    std::vector<address_range> ranges;
    for (const auto& text : trusted) ranges.push_back(parse_address_range(text).value());
    return client_address(request, ranges);
}

TEST(client_address, is_the_peer_unless_that_is_trusted) {
    EXPECT_EQ(from("192.0.2.1", {}), "192.0.2.1");
    EXPECT_EQ(from("192.0.2.1", {"203.0.113.9"}), "192.0.2.1");
    EXPECT_EQ(from("10.1.2.3", {"203.0.113.9"}, {}), "10.1.2.3");
    EXPECT_EQ(from("10.1.2.3", {}), "10.1.2.3");
}

TEST(client_address, is_the_rightmost_that_is_no_proxy) {
    EXPECT_EQ(from("10.1.2.3", {"203.0.113.9"}), "203.0.113.9");
    EXPECT_EQ(from("10.1.2.3", {"1.1.1.1, 203.0.113.9"}), "203.0.113.9");
    EXPECT_EQ(from("10.1.2.3", {"1.1.1.1, 203.0.113.9 ,10.9.9.9"}), "203.0.113.9");
    EXPECT_EQ(from("10.1.2.3", {"1.1.1.1", "203.0.113.9", "10.9.9.9"}), "203.0.113.9");
    EXPECT_EQ(from("10.1.2.3", {"10.0.0.1, 10.0.0.2"}), "10.0.0.1");
    EXPECT_EQ(from("::1", {"2001:db8::7"}), "2001:db8::7");
    EXPECT_EQ(from("::ffff:10.1.2.3", {"203.0.113.9"}), "203.0.113.9");
}

TEST(client_address, takes_ports_and_brackets_and_stops_at_nonsense) {
    EXPECT_EQ(from("10.1.2.3", {"203.0.113.9:4711"}), "203.0.113.9");
    EXPECT_EQ(from("10.1.2.3", {"[2001:db8::7]:4711"}), "2001:db8::7");
    EXPECT_EQ(from("10.1.2.3", {"[2001:db8::7]"}), "2001:db8::7");
    for (const char* nonsense : {"", "unknown", "1.2.3", "1.1.1.1, x", "[::1", ",", "1.1.1.1,", "localhost"})
        EXPECT_EQ(from("10.1.2.3", {nonsense}), std::string(nonsense) == "[::1" ? "::1" : "10.1.2.3") << nonsense;
    EXPECT_EQ(from("not an address", {"1.1.1.1"}), "not an address");
}

TEST(client_address, ranges) {
    for (const char* bad :
         {"", "/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/8/8", "::/129", "example.com", "10.0.0.0/-1"})
        EXPECT_FALSE(parse_address_range(bad)) << bad;
    const auto contains = [](const char* range, const char* address) {
        return parse_address_range(range).value().contains(boost::asio::ip::make_address(address));
    };
    EXPECT_TRUE(contains("0.0.0.0/0", "255.1.1.1"));
    EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
    EXPECT_TRUE(contains("172.16.0.0/12", "172.31.255.255"));
    EXPECT_FALSE(contains("172.16.0.0/12", "172.32.0.0"));
    EXPECT_TRUE(contains("192.0.2.1", "192.0.2.1"));
    EXPECT_FALSE(contains("192.0.2.1", "192.0.2.2"));
    EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
    EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(client_address, an_ipv6_subscriber_counts_as_one) {
    EXPECT_EQ(throttle_key("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(throttle_key("::ffff:192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(throttle_key("2001:db8:1:2:3:4:5:6"), throttle_key("2001:db8:1:2:ffff::"));
    EXPECT_NE(throttle_key("2001:db8:1:2::1"), throttle_key("2001:db8:1:3::1"));
    EXPECT_EQ(throttle_key("x"), "x");
}

}  // namespace
}  // namespace common::net
