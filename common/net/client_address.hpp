// Which address a request comes from, where reverse proxies that the operator trusts stand before the hub. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "common/net/http.hpp"

namespace common::net {

// "10.0.0.0/8", "2001:db8::/32", or one address.
struct address_range {
    boost::asio::ip::address first;
    unsigned prefix_bits = 0;

    bool contains(const boost::asio::ip::address& address) const;
};
std::optional<address_range> parse_address_range(std::string_view text);

// The socket's peer; if that is a trusted proxy, the rightmost address of X-Forwarded-For that is none. What stands left
// of it anybody may have written.
std::string client_address(const http_request& request, const std::vector<address_range>& trusted);

// What an address is counted as: itself, or the /64 that a subscriber has of IPv6.
std::string throttle_key(std::string_view address);

}  // namespace common::net
