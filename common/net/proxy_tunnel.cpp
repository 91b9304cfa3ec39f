#include "common/net/proxy_tunnel.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "common/net/connector.hpp"
#include "common/net/deadline.hpp"

namespace common::net {
namespace asio = boost::asio;
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t answer_bytes_max = 8192;

std::string base64(const std::string& text) {
    std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::string connect_request(const proxy_address& proxy, const std::string& host, std::uint16_t port) {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    const std::string authority = is_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
    std::string request = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", authority);
    if (!proxy.credentials.empty()) request += "Proxy-Authorization: Basic " + base64(proxy.credentials) + "\r\n";
    return request + "\r\n";
}

// "HTTP/1.1 200 …": the number, or 0.
int parse_status(const std::string& answer) {
    if (!answer.starts_with("HTTP/1.") || answer.size() < 12 || answer[8] != ' ') return 0;
    int status = 0;
    for (std::size_t i = 9; i < 12; ++i) {
        if (answer[i] < '0' || answer[i] > '9') return 0;
        status = status * 10 + (answer[i] - '0');
    }
    return status;
}

// Everything up to the empty line; empty if there is none. What the target itself says comes after our TLS or HTTP
// begins, so a byte beyond the line is a proxy that we do not understand.
asio::awaitable<std::string> converse(stream& to_proxy, std::string request) {
    const auto [ec, sent] = co_await asio::async_write(to_proxy, asio::buffer(request), nothrow);
    std::string answer;
    if (ec) co_return answer;
    while (answer.size() < answer_bytes_max) {
        std::array<char, 1024> piece;
        const auto [failed, bytes] = co_await to_proxy.async_read_some(asio::buffer(piece), nothrow);
        if (failed) break;
        answer.append(piece.data(), bytes);
        const auto end = answer.find("\r\n\r\n");
        if (end == std::string::npos) continue;
        const bool whole = end + 4 == answer.size() || parse_status(answer) != 200;
        if (whole) co_return answer;
        break;
    }
    co_return std::string();
}

}  // namespace

asio::awaitable<std::expected<stream, connect_error>> open_tunnel(stream to_proxy, proxy_address proxy,
                                                                  std::string host, std::uint16_t port,
                                                                  std::chrono::steady_clock::time_point deadline) {
    bool expired = false;
    std::string answer;
    {
        net::deadline limit(to_proxy.get_executor(), [&] {
            expired = true;
            to_proxy.cut();
        });
        limit.arm(time_left(deadline));
        answer = co_await converse(to_proxy, connect_request(proxy, host, port));
    }
    const std::string name = fmt::format("{} port {}", proxy.host, proxy.port);
    if (expired) {
        co_return std::unexpected(
            connect_error{connect_failure::timeout, fmt::format("The proxy {} did not answer in time.", name), 0});
    }
    const int status = parse_status(answer);
    if (status == 200) co_return std::move(to_proxy);
    if (status == 0) {
        co_return std::unexpected(connect_error{
            connect_failure::protocol, fmt::format("The proxy {} does not answer like an HTTP proxy.", name), 0});
    }
    const std::string_view advice = status == 407 ? " It wants a user and password in the proxy's URL." : "";
    co_return std::unexpected(connect_error{
        connect_failure::http_status,
        fmt::format("The proxy {} refused to connect to {} port {} (HTTP {}).{}", name, host, port, status, advice),
        status});
}

}  // namespace common::net
