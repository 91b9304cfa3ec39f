// The wall around fetches whose URL a stranger chose (server-side request forgery): https on port 443 only, at public
// addresses only, each name looked up once and no other address dialled. A guard is immutable, shared, on any thread;
// its coroutines run on the executor that awaits them.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include "common/net/connect_error.hpp"
#include "common/net/connector.hpp"
#include "common/net/http_client.hpp"
#include "common/net/tls_context.hpp"

namespace common::net {

// A place that an operator allows: the rules for ports and addresses do not count there.
struct fetch_place {
    std::string host;  // in lower case, an IPv6 address without brackets
    std::uint16_t port = 0;

    bool operator==(const fetch_place&) const = default;
};

// "idp.example.com:8443", "[fd00::1]:443".
std::optional<fetch_place> parse_fetch_place(std::string_view text);

using addresses = std::vector<boost::asio::ip::address>;
// Looks a name up, once. Ends by the deadline.
using name_lookup = std::function<boost::asio::awaitable<std::expected<addresses, connect_error>>(
    std::string name, std::chrono::steady_clock::time_point deadline)>;

struct fetch_guard {
    std::vector<fetch_place> allowed{};
    // Our own names: they, and the addresses that they have, are refused like those of this machine's interfaces.
    std::vector<std::string> own_names{};
    std::string ca_file{};  // PEM, trusted besides the system's authorities; empty for none
    // Made once of them, since reading the authorities takes longer than a fetch; null: read for each one.
    ssl_context_ptr trust{};
    std::chrono::milliseconds connect_timeout{1000};
    name_lookup look_up{};  // empty: the system's

    bool allows(std::string_view host, std::uint16_t port) const;
};

// Takes a URL apart by stricter rules than RFC 3986: https, a host that no two parsers read differently, no user, no
// fragment, no character that a header or a log could trip over. The message says which rule it breaks.
std::expected<connect_target, connect_error> parse_guarded_target(std::string_view url, const fetch_guard& guard);

// All the addresses to dial, or `forbidden` if a single one is not public: a name must not reach inside by luck.
boost::asio::awaitable<std::expected<addresses, connect_error>> find_guarded_addresses(
    std::shared_ptr<const fetch_guard> guard, connect_target target, std::chrono::steady_clock::time_point deadline);

// Once more when a connection stands: is this who was to be dialled?
bool accepts_peer(const fetch_guard& guard, const connect_target& target, const boost::asio::ip::address& dialled,
                  const boost::asio::ip::address& peer);

// A GET of a small JSON document: 3 s in all, 5 KiB.
http_client_request guarded_request(std::string url, std::shared_ptr<const fetch_guard> guard);

}  // namespace common::net
