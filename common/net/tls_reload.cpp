#include "common/net/tls_reload.hpp"

#include <csignal>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace common::net {

namespace asio = boost::asio;

asio::awaitable<void> reload_on_hangup(asio::any_io_executor executor, std::shared_ptr<server_tls_context> tls,
                                       log::logger& log) {
    asio::signal_set signals(executor, SIGHUP);
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    for (;;) {
        auto [ec, number] = co_await signals.async_wait(token);
        if (ec) co_return;
        if (!tls) {
            log.info("SIGHUP: nothing to read again, there is no TLS");
        } else if (const auto done = tls->reload(); !done) {
            log.error("the TLS files were not taken over; the old ones stay in use", {{"why", done.error().message}});
        } else {
            log.info("the TLS files were read again");
        }
    }
}

}  // namespace common::net
