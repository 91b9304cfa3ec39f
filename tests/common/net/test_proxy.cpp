#include "tests/common/net/test_proxy.hpp"

#include <array>
#include <memory>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace test {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> pump(std::shared_ptr<tcp::socket> from, std::shared_ptr<tcp::socket> to) {
    std::array<char, 4096> piece;
    for (;;) {
        const auto [failed, n] = co_await from->async_read_some(asio::buffer(piece), nothrow);
        if (failed) break;
        const auto [unsent, m] = co_await asio::async_write(*to, asio::buffer(piece, n), nothrow);
        if (unsent) break;
    }
    boost::system::error_code ignored;  // the other half may have ended it
    to->shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

test_proxy::test_proxy(std::uint16_t target_port) : target_port_(target_port) { start(); }

test_proxy::test_proxy(std::string reply, after_reply then) : reply_(std::move(reply)), then_(then) { start(); }

test_proxy::~test_proxy() {
    asio::post(io_, [this] { io_.stop(); });
    thread_.join();
}

std::string test_proxy::request() const {
    const std::lock_guard lock(mutex_);
    return request_;
}

void test_proxy::start() {
    asio::co_spawn(io_, accept_loop(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
}

asio::awaitable<void> test_proxy::accept_loop() {
    for (;;) {
        auto [ec, client] = co_await acceptor_.async_accept(nothrow);
        if (ec) co_return;
        asio::co_spawn(io_, serve(std::move(client)), asio::detached);
    }
}

asio::awaitable<void> test_proxy::serve(tcp::socket client) {
    std::string received;
    const auto [ec, size] =
        co_await asio::async_read_until(client, asio::dynamic_buffer(received), "\r\n\r\n", nothrow);
    if (ec) co_return;
    {
        const std::lock_guard lock(mutex_);
        request_ = received.substr(0, size);
    }
    if (target_port_ == 0) {
        co_await asio::async_write(client, asio::buffer(reply_), nothrow);
        if (then_ == after_reply::silence) co_await client.async_wait(tcp::socket::wait_read, nothrow);
        co_return;
    }
    const auto from = std::make_shared<tcp::socket>(std::move(client));
    const auto to = std::make_shared<tcp::socket>(io_);
    co_await to->async_connect({asio::ip::make_address("127.0.0.1"), target_port_}, asio::use_awaitable);
    const std::string established = "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";
    co_await asio::async_write(*from, asio::buffer(established), nothrow);
    asio::co_spawn(io_, pump(to, from), asio::detached);
    co_await pump(from, to);
}

}  // namespace test
