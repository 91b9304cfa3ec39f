#include "agent/link/hub_url.hpp"

#include <charconv>
#include <cstdint>

#include <fmt/format.h>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

namespace agent::link {

namespace {

std::unexpected<std::string> no_hub_url(std::string_view why) {
    return std::unexpected(fmt::format("That is no hub's URL: {} It looks like https://hub.example.com", why));
}

bool is_this_machine(const boost::urls::url_view& url) {
    if (url.host_type() == boost::urls::host_type::ipv4) return url.host_ipv4_address().is_loopback();
    if (url.host_type() == boost::urls::host_type::ipv6) return url.host_ipv6_address().is_loopback();
    return url.encoded_host() == "localhost";
}

// Boost 1.81 gives a number that does not fit as another one.
bool is_port(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    return ec == std::errc() && end == text.data() + text.size() && number >= 1 && number <= 65535;
}

}  // namespace

std::expected<std::string, std::string> hub_origin(std::string_view typed, plain_http allowed) {
    const auto parsed = boost::urls::parse_uri(typed);
    if (!parsed) return no_hub_url("it cannot be read.");
    boost::urls::url url(*parsed);
    url.normalize_scheme();
    url.normalize_authority();
    const bool tls = url.scheme() == "https";
    if (!tls && url.scheme() != "http") return no_hub_url("it must begin with https://.");
    if (url.has_userinfo()) return no_hub_url("it must not hold a user name or password.");
    if (url.encoded_host().empty()) return no_hub_url("it names no host.");
    if (url.has_query() || url.has_fragment() || (!url.encoded_path().empty() && url.encoded_path() != "/"))
        return no_hub_url("it must end after the host and port.");
    if (url.has_port() && !is_port(url.port())) return no_hub_url("its port is no number from 1 to 65535.");
    if (!tls && allowed != plain_http::anywhere && !is_this_machine(url))
        return std::unexpected(
            "A hub on another machine must be reached by https://: over http:// everybody on the way "
            "reads the join token and the prompts. If that is fine in this network, say --plain-http.");
    if (url.has_port() && url.port_number() == (tls ? 443 : 80)) url.remove_port();
    url.set_path("");
    return std::string(url.buffer());
}

}  // namespace agent::link
