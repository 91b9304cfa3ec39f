// A proxy that understands CONNECT, on a thread of its own, or a server that answers every connection with fixed bytes.
#pragma once

#include <mutex>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace test {

class test_proxy {
public:
    // Connects every CONNECT request to `target_port` on this machine, whatever host it names.
    explicit test_proxy(std::uint16_t target_port);
    // Answers with `reply` and, if it is not to be `silent`, closes.
    enum class after_reply { close, silence };
    explicit test_proxy(std::string reply, after_reply then = after_reply::close);
    ~test_proxy();
    test_proxy(const test_proxy&) = delete;
    test_proxy& operator=(const test_proxy&) = delete;

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    // The header of the last request.
    std::string request() const;

private:
    void start();
    boost::asio::awaitable<void> accept_loop();
    boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket client);

    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_{io_, {boost::asio::ip::make_address("127.0.0.1"), 0}};
    std::uint16_t target_port_ = 0;
    std::string reply_;
    after_reply then_ = after_reply::close;
    mutable std::mutex mutex_;
    std::string request_;
    std::thread thread_;
};

}  // namespace test
