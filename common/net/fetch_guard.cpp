#include "common/net/fetch_guard.hpp"

#include <algorithm>

#include <ifaddrs.h>
#include <netinet/in.h>

#include <fmt/format.h>

#include "common/net/https_url.hpp"
#include "common/net/special_address.hpp"

namespace common::net {
namespace asio = boost::asio;
namespace {

constexpr std::uint16_t https_port = 443;
constexpr std::size_t document_bytes_max = 5 << 10;
constexpr std::chrono::milliseconds document_time(3000);
constexpr std::chrono::milliseconds own_lookup_time(500);
constexpr std::size_t dialled_max = 8;

std::unexpected<connect_error> fail(connect_failure kind, std::string message) {
    return std::unexpected(connect_error{.kind = kind, .message = std::move(message), .status = 0});
}

std::unexpected<connect_error> not_public(std::string_view host) {
    return fail(connect_failure::forbidden,
                fmt::format("{} is not on the public internet. Only an operator of the hub can allow it, with "
                            "--allow-fetch-from.",
                            host));
}

template <class T>
bool contains(const std::vector<T>& all, const T& one) {
    return std::ranges::find(all, one) != all.end();
}

asio::ip::address plain(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    return address;
}

std::optional<asio::ip::address> to_address(const sockaddr* raw) {
    if (raw == nullptr) return std::nullopt;
    if (raw->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(raw);
        return asio::ip::address_v4(ntohl(v4->sin_addr.s_addr));
    }
    if (raw->sa_family != AF_INET6) return std::nullopt;
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(raw);
    asio::ip::address_v6::bytes_type bytes;
    std::ranges::copy(v6->sin6_addr.s6_addr, bytes.begin());
    return asio::ip::address_v6(bytes);
}

// Of this machine's interfaces, now.
addresses interface_addresses() {
    addresses all;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return all;
    for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next)
        if (auto address = to_address(i->ifa_addr)) all.push_back(std::move(*address));
    ::freeifaddrs(list);
    return all;
}

asio::awaitable<std::expected<addresses, connect_error>> look_up_by(const fetch_guard& guard, std::string name,
                                                                    std::chrono::steady_clock::time_point deadline) {
    if (guard.look_up) co_return co_await guard.look_up(std::move(name), deadline);
    co_return co_await look_up(std::move(name), deadline);
}

// A hub behind a load balancer has addresses that no interface of its has.
asio::awaitable<addresses> own_addresses(std::shared_ptr<const fetch_guard> guard,
                                         std::chrono::steady_clock::time_point deadline) {
    addresses own = interface_addresses();
    for (const auto& name : guard->own_names) {
        const auto until = std::min(deadline, std::chrono::steady_clock::now() + own_lookup_time);
        const auto found = co_await look_up_by(*guard, name, until);
        if (found) own.insert(own.end(), found->begin(), found->end());
    }
    co_return own;
}

}  // namespace

std::optional<fetch_place> parse_fetch_place(std::string_view text) {
    const auto target = parse_https_authority(text);
    // Without a port the operator may have meant any.
    if (!target || text.ends_with(']') || !text.contains(':')) return std::nullopt;
    return fetch_place{target->host, target->port};
}

bool fetch_guard::allows(std::string_view host, std::uint16_t port) const {
    return std::ranges::any_of(allowed, [&](const auto& place) { return place.host == host && place.port == port; });
}

std::expected<connect_target, connect_error> parse_guarded_target(std::string_view url, const fetch_guard& guard) {
    auto target = parse_https_url(url);
    if (!target) return fail(connect_failure::invalid_url, std::move(target.error()));
    if (guard.allows(target->host, target->port)) return std::move(*target);
    if (target->port != https_port)
        return fail(connect_failure::forbidden, "The URL must not name another port than 443.");
    if (contains(guard.own_names, target->host)) return not_public(target->host);
    return std::move(*target);
}

asio::awaitable<std::expected<addresses, connect_error>> find_guarded_addresses(
    std::shared_ptr<const fetch_guard> guard, connect_target target, std::chrono::steady_clock::time_point deadline) {
    auto found = co_await look_up_by(*guard, target.host, deadline);
    if (!found || guard->allows(target.host, target.port)) co_return found;
    const addresses own = co_await own_addresses(guard, deadline);
    for (const auto& address : *found) {
        if (!is_public_address(address) || contains(own, plain(address))) co_return not_public(target.host);
    }
    if (found->size() > dialled_max) found->resize(dialled_max);
    co_return found;
}

bool accepts_peer(const fetch_guard& guard, const connect_target& target, const asio::ip::address& dialled,
                  const asio::ip::address& peer) {
    if (plain(peer) != plain(dialled)) return false;
    return guard.allows(target.host, target.port) || is_public_address(peer);
}

http_client_request guarded_request(std::string url, std::shared_ptr<const fetch_guard> guard) {
    return {.url = std::move(url),
            .fields = {{"Accept", "application/json"}, {"Accept-Encoding", "identity"}},
            .timeout = document_time,
            .body_bytes_max = document_bytes_max,
            .guard = std::move(guard)};
}

}  // namespace common::net
