#include "common/net/client_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace common::net {

namespace ip = boost::asio::ip;

namespace {

// An IPv4 address that came through an IPv6 socket is that IPv4 address.
std::optional<ip::address> parse_address(std::string_view text) {
    boost::system::error_code ec;
    const auto address = ip::make_address(std::string(text), ec);
    if (ec) return std::nullopt;
    if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
    return address;
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

// As proxies write it: an address, some with a port, IPv6 then in brackets.
std::optional<ip::address> parse_forwarded(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('[')) return parse_address(text.substr(1, std::min(text.find(']'), text.size()) - 1));
    if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
    return parse_address(text);
}

bool is_forwarded_for(std::string_view name) {
    constexpr std::string_view wanted = "x-forwarded-for";
    return std::ranges::equal(name, wanted, {},
                              [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
}

std::vector<std::string_view> forwarded_of(const http_request& request) {
    std::vector<std::string_view> all;
    for (const auto& [name, value] : request.fields.all()) {
        if (!is_forwarded_for(name)) continue;
        std::string_view rest = value;
        for (;;) {
            const auto comma = rest.find(',');
            all.push_back(rest.substr(0, comma));
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return all;
}

template <std::size_t N>
bool same_prefix(const std::array<unsigned char, N>& a, const std::array<unsigned char, N>& b, unsigned bits) {
    const std::size_t whole = bits / 8;
    if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) return false;
    if (bits % 8 == 0) return true;
    const auto mask = static_cast<unsigned char>(0xffU << (8 - bits % 8));
    return (a[whole] & mask) == (b[whole] & mask);
}

}  // namespace

bool address_range::contains(const ip::address& address) const {
    if (address.is_v4() != first.is_v4()) return false;
    if (address.is_v4()) return same_prefix(address.to_v4().to_bytes(), first.to_v4().to_bytes(), prefix_bits);
    return same_prefix(address.to_v6().to_bytes(), first.to_v6().to_bytes(), prefix_bits);
}

std::optional<address_range> parse_address_range(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    const unsigned bits_max = address->is_v4() ? 32 : 128;
    if (slash == std::string_view::npos) return address_range{*address, bits_max};
    const std::string_view digits = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (ec != std::errc() || end != digits.data() + digits.size() || bits > bits_max) return std::nullopt;
    return address_range{*address, bits};
}

std::string client_address(const http_request& request, const std::vector<address_range>& trusted) {
    auto address = parse_address(request.peer_address);
    if (!address) return request.peer_address;
    auto forwarded = forwarded_of(request);
    const auto is_proxy = [&](const address_range& range) { return range.contains(*address); };
    while (!forwarded.empty() && std::ranges::any_of(trusted, is_proxy)) {
        const auto next = parse_forwarded(forwarded.back());
        if (!next) break;
        address = next;
        forwarded.pop_back();
    }
    return address->to_string();
}

std::string throttle_key(std::string_view text) {
    const auto address = parse_address(text);
    if (!address || address->is_v4()) return address ? address->to_string() : std::string(text);
    auto bytes = address->to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
    return ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace common::net
