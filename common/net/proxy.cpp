#include "common/net/proxy.hpp"

#include <algorithm>
#include <cstdlib>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "common/net/url_port.hpp"

namespace common::net {
namespace {

namespace ip = boost::asio::ip;

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::string> variable(const environment& env, const std::string& lower_name,
                                    const std::string& upper_name) {
    for (const auto& name : {lower_name, upper_name}) {
        if (name.empty()) continue;
        const auto value = env(name);
        if (value && !value->empty()) return value;
    }
    return std::nullopt;
}

bool in_network(const std::string& network, const std::string& host) {
    boost::system::error_code ec;
    const auto address = ip::make_address(host, ec);
    if (ec) return false;
    if (address.is_v4()) {
        const auto range = ip::make_network_v4(network, ec);
        if (ec) return false;
        const auto hosts = range.canonical();
        return ip::network_v4(address.to_v4(), hosts.prefix_length()).canonical().network() == hosts.network();
    }
    const auto range = ip::make_network_v6(network, ec);
    if (ec) return false;
    const auto hosts = range.canonical();
    return ip::network_v6(address.to_v6(), hosts.prefix_length()).canonical().network() == hosts.network();
}

// One entry of NO_PROXY: a name and what is below it, an address, or a network; with or without a port.
bool matches(std::string_view given, const std::string& host, std::uint16_t port) {
    std::string entry = lower(trim(given));
    if (entry.empty()) return false;
    if (entry == "*") return true;
    const auto colon = entry.rfind(':');
    const bool one_colon = colon != std::string::npos && entry.find(':') == colon;
    const bool bracketed = entry.front() == '[' && entry.find(']') != std::string::npos;
    if (one_colon || (bracketed && colon > entry.find(']'))) {
        if (entry.substr(colon + 1) != std::to_string(port)) return false;
        entry.resize(colon);
    }
    if (bracketed) entry = entry.substr(1, entry.find(']') - 1);
    if (entry == host) return true;
    if (entry.find('/') != std::string::npos) return in_network(entry, host);
    if (entry.starts_with("*.")) entry.erase(0, 1);
    if (!entry.starts_with('.')) entry.insert(0, ".");
    return host == entry.substr(1) || host.ends_with(entry);
}

std::optional<proxy_address> parse_proxy(const std::string& value) {
    const bool has_scheme = value.find("://") != std::string::npos;
    const std::string url = has_scheme ? value : "http://" + value;
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed || parsed->scheme_id() != boost::urls::scheme::http) return std::nullopt;
    proxy_address proxy;
    const auto port = port_of(*parsed, 80);
    if (!port) return std::nullopt;
    proxy.host = parsed->host_address();
    proxy.port = *port;
    if (parsed->has_userinfo()) {
        proxy.credentials = parsed->user();
        proxy.credentials += ':';
        proxy.credentials += parsed->password();
    }
    if (proxy.host.empty()) return std::nullopt;
    return proxy;
}

}  // namespace

environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* const value = std::getenv(name.c_str());
        if (!value) return std::nullopt;
        return std::string(value);
    };
}

std::optional<proxy_address> proxy_for(std::string_view url, const environment& env) {
    const auto parsed = boost::urls::parse_uri(boost::urls::string_view(url.data(), url.size()));
    if (!parsed || !parsed->has_authority()) return std::nullopt;
    const std::string scheme = lower(std::string(parsed->scheme()));
    const bool tls = scheme == "https" || scheme == "wss";
    if (!tls && scheme != "http" && scheme != "ws") return std::nullopt;

    // HTTP_PROXY in upper case is not read, as by curl: a CGI client could set it with a "Proxy:" field.
    const auto value = tls ? variable(env, "https_proxy", "HTTPS_PROXY") : variable(env, "http_proxy", "");
    if (!value) return std::nullopt;

    const std::string host = lower(parsed->host_address());
    const auto port = port_of(*parsed, tls ? 443 : 80);
    if (!port) return std::nullopt;
    const std::string exceptions = variable(env, "no_proxy", "NO_PROXY").value_or(std::string());
    for (std::string_view rest = exceptions; !rest.empty();) {
        const auto comma = rest.find(',');
        if (matches(rest.substr(0, comma), host, *port)) return std::nullopt;
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return parse_proxy(*value);
}

}  // namespace common::net
