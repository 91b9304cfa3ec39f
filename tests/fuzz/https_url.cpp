// URLs that strangers choose: client ids, and whatever else the hub fetches. What is taken has one reading.
#include "common/net/https_url.hpp"

#include <boost/asio/ip/address.hpp>

#include "common/net/fetch_guard.hpp"
#include "hub/oauth/client_document.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace fuzz {

namespace {

using namespace common::net;

void check(std::string_view url) {
    const auto target = parse_https_url(url);
    require(hub::oauth::find_client_id_fault(url) || target);
    if (!target) return;
    require(url.starts_with("https://") && target->tls && target->port != 0 && !target->host.empty());
    require(target->path_query.starts_with('/'));
    for (const char c : target->host + target->host_field + target->path_query)
        require(c > 0x20 && c < 0x7f && c != '\\');
    require(target->host_field.find_first_of("@/?#") == std::string::npos);
    const std::string sent = "https://" + target->host_field + target->path_query;
    const auto again = parse_https_url(sent);
    // The slash that is put before a query may make it too long to be taken again.
    require(sent.size() > url.size() || again);
    if (again) require(again->host == target->host && again->port == target->port);
    // What a resolver would take for an address is that address, as everybody writes it.
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(target->host, ec);
    if (!ec && address.is_v4()) require(address.to_string() == target->host);
    const fetch_guard guard;
    const auto guarded = parse_guarded_target(url, guard);
    require(!guarded || guarded->port == 443);
}

}  // namespace

void run(std::string_view input) {
    check(input);
    check("https://" + std::string(input));
    check("https://" + std::string(input) + "/client.json");
    const auto place = parse_fetch_place(input);
    require(!place || (place->port != 0 && !place->host.empty()));
}

}  // namespace fuzz
