#include "common/net/https_url.hpp"

#include <gtest/gtest.h>

#include "common/net/special_address.hpp"

namespace {
namespace asio = boost::asio;
using namespace common::net;

asio::ip::address address(std::string_view text) { return asio::ip::make_address(std::string(text)); }

TEST(special_address, is_told_from_a_public_one_at_each_edge) {
    for (const auto* text : {"0.0.0.0",
                             "0.255.255.255",
                             "10.0.0.0",
                             "10.255.255.255",
                             "100.64.0.0",
                             "100.127.255.255",
                             "127.0.0.1",
                             "127.255.255.255",
                             "169.254.0.0",
                             "169.254.169.254",
                             "172.16.0.0",
                             "172.31.255.255",
                             "192.0.0.1",
                             "192.0.2.9",
                             "192.31.196.1",
                             "192.52.193.1",
                             "192.88.99.1",
                             "192.168.0.0",
                             "192.168.255.255",
                             "192.175.48.1",
                             "198.18.0.0",
                             "198.19.255.255",
                             "198.51.100.7",
                             "203.0.113.7",
                             "224.0.0.1",
                             "239.255.255.255",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "::7f00:1",
                             "::ffff:127.0.0.1",
                             "::ffff:10.1.2.3",
                             "64:ff9b::7f00:1",
                             "64:ff9b::808:808",
                             "64:ff9b:1::1",
                             "100::1",
                             "2001::1",
                             "2001:1ff:ffff::1",
                             "2001:db8::1",
                             "2002:7f00:1::1",
                             "2002:808:808::1",
                             "2620:4f:8000::1",
                             "3fff::1",
                             "3fff:fff::1",
                             "4000::1",
                             "5f00::1",
                             "fc00::1",
                             "fd12::1",
                             "fe80::1",
                             "fec0::1",
                             "ff02::1",
                             "1fff:ffff::1"})
        EXPECT_FALSE(is_public_address(address(text))) << text;
    for (const auto* text :
         {"1.1.1.1",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",  "100.128.0.0",
          "126.255.255.255", "128.0.0.1",       "169.253.255.255", "169.255.0.0",     "172.15.255.255",
          "172.32.0.0",      "192.0.1.0",       "192.167.255.255", "192.169.0.0",     "198.17.255.255",
          "198.20.0.0",      "223.255.255.255", "::ffff:1.1.1.1",  "2000::1",         "2001:200::1",
          "2001:db7::1",     "2001:db9::1",     "2003::1",         "2606:4700::1111", "2620:4f:8001::1",
          "3ffe:ffff::1",    "3fff:1000::1"})
        EXPECT_TRUE(is_public_address(address(text))) << text;
    EXPECT_FALSE(is_public_address(asio::ip::make_address("2606:4700::1%1")));
}

TEST(https_url, takes_urls_apart) {
    const auto url = parse_https_url("https://Hub.Example:8443/a/b?c=d");
    ASSERT_TRUE(url) << url.error();
    EXPECT_EQ(url->host, "hub.example");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->host_field, "hub.example:8443");
    EXPECT_EQ(url->path_query, "/a/b?c=d");
    EXPECT_TRUE(url->tls);
    EXPECT_EQ(parse_https_url("https://h?x")->path_query, "/?x");
    EXPECT_EQ(parse_https_url("https://h")->path_query, "/");
    EXPECT_EQ(parse_https_url("https://h")->port, 443);
    EXPECT_EQ(parse_https_url("https://xn--bcher-kva.example/")->host, "xn--bcher-kva.example");
    EXPECT_EQ(parse_https_url("https://[2606:4700::1111]:444/")->host, "2606:4700::1111");
    EXPECT_EQ(parse_https_url("https://192.0.2.1/")->host, "192.0.2.1");
    // Names that only begin like an address.
    for (const std::string name :
         {"10.0.0.5.nip.io", "127.0.0.1.example.com", "1.example", "0x7f.example", "1.2.3.4.5a"})
        EXPECT_EQ(parse_https_url("https://" + name + "/x")->host, name);
}

}  // namespace
