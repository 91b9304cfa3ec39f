#include "common/net/special_address.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace common::net {
namespace {

using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

struct block_v4 {
    std::uint32_t base;
    int bits;
};

constexpr std::uint32_t dotted(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    return (a << 24) | (b << 16) | (c << 8);
}

constexpr std::array special_v4{
    block_v4{dotted(0, 0, 0), 8},        // this network
    block_v4{dotted(10, 0, 0), 8},       // private
    block_v4{dotted(100, 64, 0), 10},    // shared, behind carriers' NAT
    block_v4{dotted(127, 0, 0), 8},      // loopback
    block_v4{dotted(169, 254, 0), 16},   // link-local, clouds' metadata services
    block_v4{dotted(172, 16, 0), 12},    // private
    block_v4{dotted(192, 0, 0), 24},     // protocol assignments
    block_v4{dotted(192, 0, 2), 24},     // documentation
    block_v4{dotted(192, 31, 196), 24},  // AS112
    block_v4{dotted(192, 52, 193), 24},  // AMT
    block_v4{dotted(192, 88, 99), 24},   // 6to4 relays
    block_v4{dotted(192, 168, 0), 16},   // private
    block_v4{dotted(192, 175, 48), 24},  // AS112
    block_v4{dotted(198, 18, 0), 15},    // benchmarks
    block_v4{dotted(198, 51, 100), 24},  // documentation
    block_v4{dotted(203, 0, 113), 24},   // documentation
    block_v4{dotted(224, 0, 0), 4},      // multicast
    block_v4{dotted(240, 0, 0), 4},      // reserved, broadcast
};

struct block_v6 {
    std::array<std::uint8_t, 6> base;
    int bits;
};

// Inside 2000::/3; what is outside is not handed out at all.
constexpr std::array special_v6{
    block_v6{{0x20, 0x01, 0, 0, 0, 0}, 23},        // protocol assignments, Teredo, ORCHID
    block_v6{{0x20, 0x01, 0x0d, 0xb8, 0, 0}, 32},  // documentation
    block_v6{{0x20, 0x02, 0, 0, 0, 0}, 16},        // 6to4: carries any IPv4 address
    block_v6{{0x26, 0x20, 0, 0x4f, 0x80, 0}, 48},  // AS112
    block_v6{{0x3f, 0xff, 0, 0, 0, 0}, 20},        // documentation
};

bool contains(const block_v6& block, const address_v6::bytes_type& bytes) {
    for (int bit = 0; bit < block.bits; bit += 8) {
        const auto i = static_cast<std::size_t>(bit / 8);
        const int left = std::min(8, block.bits - bit);
        const auto mask = static_cast<std::uint8_t>(0xff << (8 - left));
        if ((bytes[i] & mask) != block.base[i]) return false;
    }
    return true;
}

bool is_public_v4(const address_v4& address) {
    const std::uint32_t number = address.to_uint();
    return std::ranges::none_of(
        special_v4, [&](const block_v4& block) { return (number & (0xffffffffU << (32 - block.bits))) == block.base; });
}

bool is_public_v6(const address_v6& address) {
    const auto bytes = address.to_bytes();
    if (address.scope_id() != 0 || (bytes[0] & 0xe0) != 0x20) return false;
    return std::ranges::none_of(special_v6, [&](const block_v6& block) { return contains(block, bytes); });
}

}  // namespace

bool is_public_address(const boost::asio::ip::address& address) {
    if (address.is_v4()) return is_public_v4(address.to_v4());
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) return is_public_v4(boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6));
    return is_public_v6(v6);
}

}  // namespace common::net
