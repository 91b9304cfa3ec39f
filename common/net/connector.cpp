#include "common/net/connector.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "common/async/event_signal.hpp"
#include "common/net/deadline.hpp"
#include "common/net/fetch_guard.hpp"
#include "common/net/proxy_tunnel.hpp"
#include "common/net/url_port.hpp"

namespace common::net {
namespace asio = boost::asio;
using asio::ip::tcp;
using steady_time = std::chrono::steady_clock::time_point;
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

std::unexpected<connect_error> fail(connect_failure kind, std::string message) {
    return std::unexpected(connect_error{.kind = kind, .message = std::move(message), .status = 0});
}

std::unexpected<connect_error> timed_out(const std::string& host, std::uint16_t port) {
    return fail(connect_failure::timeout, fmt::format("{} port {} did not answer in time.", host, port));
}

// getaddrinfo() cannot be cancelled, so its answer is left to whoever still waits for it.
struct resolution {
    explicit resolution(const asio::any_io_executor& executor) : resolver(executor), done(executor) {}
    tcp::resolver resolver;
    async::event_signal done;
    bool finished = false;
    boost::system::error_code ec;
    std::vector<asio::ip::address> found;
};

asio::awaitable<std::expected<std::vector<asio::ip::address>, connect_error>> find_addresses(
    const connect_target& target, std::shared_ptr<const fetch_guard> guard, steady_time deadline) {
    if (guard) co_return co_await find_guarded_addresses(std::move(guard), target, deadline);
    co_return co_await look_up(target.host, deadline);
}

// Tries one address after the other. None may take all the time: a network may drop what it cannot deliver.
asio::awaitable<std::expected<stream, connect_error>> connect_tcp(connect_target target,
                                                                  std::shared_ptr<const fetch_guard> guard,
                                                                  steady_time deadline) {
    auto found = co_await find_addresses(target, guard, deadline);
    if (!found) co_return std::unexpected(std::move(found.error()));
    if (guard) deadline = std::min(deadline, std::chrono::steady_clock::now() + guard->connect_timeout);
    const auto executor = co_await asio::this_coro::executor;
    boost::system::error_code last;
    bool expired = false;
    auto addresses_left = static_cast<int>(found->size());
    for (const auto& address : *found) {
        tcp::socket socket(executor);
        expired = false;
        net::deadline limit(executor, [&] {
            expired = true;
            boost::system::error_code ignored;  // closed in any case
            socket.close(ignored);
        });
        limit.arm(time_left(deadline) / addresses_left--);
        const auto [ec] = co_await socket.async_connect(tcp::endpoint(address, target.port), nothrow);
        last = ec;
        if (!ec) {
            const auto peer = socket.remote_endpoint(last).address();
            if (guard && (last || !accepts_peer(*guard, target, address, peer)))
                co_return fail(connect_failure::forbidden, "The connection led to an address that may not be reached.");
            co_return stream(std::move(socket));
        }
        if (std::chrono::steady_clock::now() >= deadline) break;
    }
    if (expired) co_return timed_out(target.host, target.port);
    co_return fail(connect_failure::refused,
                   fmt::format("Cannot connect to {} port {}: {}.", target.host, target.port, last.message()));
}

std::string explain_tls(const stream& connection, const connect_target& target, const boost::system::error_code& ec) {
    const auto certificate = connection.tls_verify_failure();
    if (!certificate.empty()) {
        return fmt::format(
            "The certificate of {} is not trusted: {}. If its authority is your own, give its certificate as CA file.",
            target.host, certificate);
    }
    return fmt::format("The TLS handshake with {} port {} failed: {}.", target.host, target.port, ec.message());
}

asio::awaitable<std::expected<stream, connect_error>> secure(stream connection, connect_target target,
                                                             connect_options options) {
    ssl_context_ptr context = options.guard ? options.guard->trust : nullptr;
    if (!context) {
        auto made = make_client_tls_context(options.ca_file);
        if (!made) co_return fail(connect_failure::tls, std::move(made.error().message));
        context = std::move(*made);
    }
    connection.connect_tls(context, target.host);
    bool expired = false;
    boost::system::error_code failure;
    {
        net::deadline limit(connection.get_executor(), [&] {
            expired = true;
            connection.cut();
        });
        limit.arm(time_left(options.deadline));
        const auto [ec] = co_await connection.async_handshake(nothrow);
        failure = ec;
    }
    if (expired) co_return timed_out(target.host, target.port);
    if (failure) co_return fail(connect_failure::tls, explain_tls(connection, target, failure));
    co_return std::move(connection);
}

}  // namespace

std::chrono::milliseconds time_left(steady_time deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return std::max(left, std::chrono::milliseconds(1));
}

asio::awaitable<std::expected<std::vector<asio::ip::address>, connect_error>> look_up(std::string host,
                                                                                      steady_time deadline) {
    boost::system::error_code not_an_address;
    const auto address = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) co_return std::vector{address};

    const auto executor = co_await asio::this_coro::executor;
    const auto lookup = std::make_shared<resolution>(executor);
    lookup->resolver.async_resolve(host, "", [lookup](const auto& ec, const tcp::resolver::results_type& results) {
        lookup->finished = true;
        lookup->ec = ec;
        for (const auto& entry : results) lookup->found.push_back(entry.endpoint().address());
        lookup->done.notify_all();
    });
    while (!lookup->finished) {
        const bool woken = co_await lookup->done.wait_until(deadline);
        if (!woken) break;
    }
    if (!lookup->finished) {
        lookup->resolver.cancel();
        co_return fail(connect_failure::timeout, fmt::format("The address of {} could not be found in time.", host));
    }
    if (lookup->ec || lookup->found.empty()) {
        co_return fail(
            connect_failure::dns,
            fmt::format("The name {} has no address ({}). Check the URL and the network.", host, lookup->ec.message()));
    }
    co_return std::move(lookup->found);
}

std::expected<connect_target, connect_error> parse_target(std::string_view url, std::string_view scheme) {
    const auto parsed = boost::urls::parse_uri(boost::urls::string_view(url.data(), url.size()));
    const std::string plain(scheme);
    const std::string secure_scheme = plain + "s";
    // Without the URL itself: it may contain a password.
    const auto invalid = [&] {
        return fail(connect_failure::invalid_url,
                    fmt::format("The URL must be like {}://host:port/path or {}://host:port/path, without a user.",
                                plain, secure_scheme));
    };
    if (!parsed || !parsed->has_authority() || parsed->has_userinfo()) return invalid();
    const std::string given(parsed->scheme());
    connect_target target;
    if (given == secure_scheme) {
        target.tls = true;
    } else if (given != plain) {
        return invalid();
    }
    target.host = parsed->host_address();
    const auto port = port_of(*parsed, target.tls ? 443 : 80);
    if (target.host.empty() || !port) return invalid();
    target.port = *port;
    target.host_field = std::string(parsed->encoded_host());
    if (parsed->has_port() && !parsed->port().empty()) target.host_field += ":" + std::to_string(target.port);
    target.path_query = std::string(parsed->encoded_target());
    if (!target.path_query.starts_with('/')) target.path_query.insert(0, "/");
    return target;
}

asio::awaitable<std::expected<stream, connect_error>> open_connection(connect_target target, connect_options options) {
    if (options.guard) options.proxy.reset();  // it would choose the address
    connect_target first = target;
    if (options.proxy) {
        first.host = options.proxy->host;
        first.port = options.proxy->port;
    }
    auto connection = co_await connect_tcp(std::move(first), options.guard, options.deadline);
    if (!connection) co_return std::unexpected(std::move(connection.error()));
    if (options.proxy) {
        auto through =
            co_await open_tunnel(std::move(*connection), *options.proxy, target.host, target.port, options.deadline);
        if (!through) co_return std::unexpected(std::move(through.error()));
        connection = std::move(through);
    }
    if (!target.tls) co_return std::move(connection);
    auto secured = co_await secure(std::move(*connection), std::move(target), std::move(options));
    co_return std::move(secured);
}

}  // namespace common::net
