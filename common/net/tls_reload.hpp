// New certificates without a restart.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/log/logger.hpp"
#include "common/net/tls_context.hpp"

namespace common::net {

// Reads the files again at each SIGHUP, and says in the log what came of it, until the executor ends. Null: there is no TLS,
// and SIGHUP ends no program.
boost::asio::awaitable<void> reload_on_hangup(boost::asio::any_io_executor executor,
                                              std::shared_ptr<server_tls_context> tls, log::logger& log);

}  // namespace common::net
