// Is an address one of the public internet? The IANA special-purpose registries (RFC 6890 and what came after): loopback,
// private, link-local, shared, documentation, translation, multicast and reserved addresses are not. Pure.
#pragma once

#include <boost/asio/ip/address.hpp>

namespace common::net {

// An IPv4-mapped address (::ffff:a.b.c.d) is judged as the IPv4 address in it.
bool is_public_address(const boost::asio::ip::address& address);

}  // namespace common::net
