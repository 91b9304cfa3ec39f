#include "tests/common/net/test_server.hpp"

#include <stdexcept>

namespace test {
namespace asio = boost::asio;
using namespace common::net;

test_server::test_server(http_handler handler, listener_options options) {
    auto log = [this](std::string_view line) {
        const std::lock_guard lock(mutex_);
        log_.emplace_back(line);
        logged_.notify_all();
    };
    auto opened = listener::open(io_.get_executor(), std::move(options), std::move(handler), std::move(log));
    if (!opened) throw std::runtime_error(opened.error().message);
    listener_ = std::move(*opened);
    port_ = listener_->port();
    thread_ = std::thread([this] { io_.run(); });
}

test_server::~test_server() {
    stop(std::chrono::milliseconds(0));
    asio::post(io_, [this] {
        listener_.reset();
        work_.reset();
        io_.stop();
    });
    thread_.join();
}

bool test_server::stop(std::chrono::milliseconds grace) { return run(listener_->stop(grace)); }

std::vector<std::string> test_server::log() const {
    const std::lock_guard lock(mutex_);
    return log_;
}

void test_server::wait_for_log(std::size_t lines) const {
    std::unique_lock lock(mutex_);
    logged_.wait(lock, [&] { return log_.size() >= lines; });
}

void test_server::wait_for_connections(std::size_t count) {
    for (;;) {
        std::promise<std::size_t> now;
        asio::post(io_, [&] { now.set_value(listener_->connections()); });
        if (now.get_future().get() == count) return;
        std::this_thread::yield();
    }
}

asio::awaitable<void> echo_handler(http_exchange& exchange) {
    const auto& request = exchange.request();
    http_response response;
    response.body = request.method + " " + request.path + "?" + request.query + " " + request.body;
    co_await exchange.respond(std::move(response));
}

}  // namespace test
