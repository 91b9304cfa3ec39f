// A listener on a thread of its own, so that tests may block. Ends it when it goes.
#pragma once

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "common/net/listener.hpp"

namespace test {

class test_server {
public:
    explicit test_server(common::net::http_handler handler, common::net::listener_options options = {});
    ~test_server();
    test_server(const test_server&) = delete;
    test_server& operator=(const test_server&) = delete;

    std::uint16_t port() const { return port_; }
    std::vector<std::string> log() const;
    // Until the log has that many lines; for conditions that come from the server's own thread.
    void wait_for_log(std::size_t lines) const;
    // Until the listener has that many connections.
    void wait_for_connections(std::size_t count);

    // On the server's thread, to its end.
    template <class T>
    T run(boost::asio::awaitable<T> task) {
        return boost::asio::co_spawn(io_, std::move(task), boost::asio::use_future).get();
    }
    bool stop(std::chrono::milliseconds grace);

private:
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
    std::unique_ptr<common::net::listener> listener_;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    mutable std::condition_variable logged_;
    std::vector<std::string> log_;
    std::thread thread_;
};

// Answers every request with its method, path, query and body.
boost::asio::awaitable<void> echo_handler(common::net::http_exchange& exchange);

// Runs a task on an io_context of its own.
template <class T>
T run_alone(boost::asio::awaitable<T> task) {
    boost::asio::io_context io;
    auto result = boost::asio::co_spawn(io, std::move(task), boost::asio::use_future);
    io.run();
    return result.get();
}

}  // namespace test
