#include "common/net/listener.hpp"

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "common/net/connection_registry.hpp"
#include "common/net/http_session.hpp"

namespace common::net {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);
// When the process is out of descriptors or memory: how long to let others give some back.
constexpr std::chrono::milliseconds accept_pause{100};
// After everything was cut: for handlers to notice.
constexpr std::chrono::seconds cut_grace{1};

std::unexpected<listen_error> fail(const listener_options& options, const boost::system::error_code& ec) {
    return std::unexpected(
        listen_error{fmt::format("Cannot listen on {} port {}: {}.", options.address, options.port, ec.message())});
}

}  // namespace

class listener::impl : public std::enable_shared_from_this<impl> {
public:
    impl(const asio::any_io_executor& executor, listener_options options, http_handler handler, failure_log log)
        : acceptor_(executor),
          pause_(executor),
          tls_(std::move(options.tls)),
          service_(std::make_shared<http_service>(std::move(handler), std::move(log), options.limits,
                                                  std::move(options.answer_fields), std::move(options.leaves_body))),
          registry_(std::make_shared<connection_registry>(executor, options.connections_max,
                                                          options.connections_per_peer_max)) {}

    boost::system::error_code bind(const tcp::endpoint& endpoint) {
        boost::system::error_code ec;
        acceptor_.open(endpoint.protocol(), ec);
        if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
        if (!ec) acceptor_.bind(endpoint, ec);
        if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
        if (!ec) bound_ = acceptor_.local_endpoint(ec);
        if (!ec) address_ = bound_.address().to_string();
        return ec;
    }

    asio::awaitable<void> accept_loop() {
        const auto self = shared_from_this();
        while (acceptor_.is_open()) {
            auto [ec, socket] = co_await acceptor_.async_accept(nothrow);
            if (!ec) {
                take(std::move(socket));
            } else if (ec != asio::error::operation_aborted && ec != asio::error::connection_aborted) {
                if (service_->log) service_->log(fmt::format("Cannot accept a connection: {}.", ec.message()));
                pause_.expires_after(accept_pause);
                const auto [cancelled] = co_await pause_.async_wait(nothrow);
                std::ignore = cancelled;  // the loop's condition tells
            }
        }
    }

    asio::awaitable<bool> stop(std::chrono::milliseconds grace) {
        const auto self = shared_from_this();
        close_acceptor();
        registry_->drain_all();
        const bool drained = co_await registry_->wait_empty(std::chrono::steady_clock::now() + grace);
        if (drained) co_return true;
        registry_->cut_all();
        const bool ended = co_await registry_->wait_empty(std::chrono::steady_clock::now() + cut_grace);
        std::ignore = ended;  // a handler that still runs ends with its executor
        co_return false;
    }

    void shut() {
        close_acceptor();
        registry_->cut_all();
    }

    std::uint16_t port() const { return bound_.port(); }
    const std::string& address() const { return address_; }
    std::size_t connections() const { return registry_->size(); }

private:
    void close_acceptor() {
        boost::system::error_code ignored;  // closed in any case
        acceptor_.close(ignored);
        pause_.cancel();
    }

    void take(tcp::socket socket) {
        boost::system::error_code ec;
        const auto peer = socket.remote_endpoint(ec);
        if (ec) return;  // gone already
        stream connection(std::move(socket));
        auto ticket = registry_->admit(peer.address());
        if (!ticket) {
            if (!tls_) {
                connection.write_now(
                    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
                    "Connection: close\r\n\r\n");
            }
            return;
        }
        asio::co_spawn(
            acceptor_.get_executor(),
            serve_http(std::move(connection), peer, tls_ ? tls_->current() : nullptr, service_, std::move(*ticket)),
            [service = service_](const std::exception_ptr& thrown) { report(*service, thrown); });
    }

    static void report(const http_service& service, const std::exception_ptr& thrown) {
        if (!thrown || !service.log) return;
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& e) {
            service.log(fmt::format("A connection ended by an exception: {}", e.what()));
        } catch (...) {
            service.log("A connection ended by an exception of unknown type.");
        }
    }

    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    std::shared_ptr<server_tls_context> tls_;
    std::shared_ptr<const http_service> service_;
    std::shared_ptr<connection_registry> registry_;
    tcp::endpoint bound_;
    std::string address_;
};

std::expected<std::unique_ptr<listener>, listen_error> listener::open(const asio::any_io_executor& executor,
                                                                      listener_options options, http_handler handler,
                                                                      failure_log log) {
    boost::system::error_code ec;
    const auto address = asio::ip::make_address(options.address, ec);
    if (ec) {
        return std::unexpected(listen_error{fmt::format("\"{}\" is not an IP address to listen on.", options.address)});
    }
    const auto shared = std::make_shared<impl>(executor, options, std::move(handler), std::move(log));
    ec = shared->bind(tcp::endpoint(address, options.port));
    if (ec) return fail(options, ec);
    asio::co_spawn(executor, shared->accept_loop(), asio::detached);
    return std::unique_ptr<listener>(new listener(shared));
}

listener::listener(std::shared_ptr<impl> shared) : impl_(std::move(shared)) {}

listener::~listener() { impl_->shut(); }

std::uint16_t listener::port() const { return impl_->port(); }

const std::string& listener::address() const { return impl_->address(); }

std::size_t listener::connections() const { return impl_->connections(); }

asio::awaitable<bool> listener::stop(std::chrono::milliseconds grace) { return impl_->stop(grace); }

}  // namespace common::net
