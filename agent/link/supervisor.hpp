// Keeps the machine linked to its hub: dials, proves, serves calls, pushes events, and dials again with full jitter.
// Owned by agent::app; the agent's I/O thread.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/events/log.hpp"
#include "agent/link/link_settings.hpp"
#include "agent/paths.hpp"
#include "agent/session/engine.hpp"
#include "agent/uploads/spool.hpp"
#include "common/crypto/ed25519_key.hpp"
#include "common/log/logger.hpp"
#include "common/mcp/backend.hpp"
#include "common/net/websocket_client.hpp"

namespace agent::link {

// For get_health and `codez status`.
struct link_status {
    bool linked = false;
    std::string hub_url;
    std::string trouble;  // a sentence; empty while linked
};

struct supervisor_config {
    paths files;
    link_settings settings;
    common::crypto::ed25519_key key;
    // How the hub is reached, and the numbers in [0, 1) that spread a fleet's attempts; replaced in tests.
    using dialler = std::function<boost::asio::awaitable<
        std::expected<std::unique_ptr<common::net::websocket_channel>, common::net::connect_error>>(
        common::net::websocket_client_options)>;
    dialler dial = common::net::connect_websocket;
    std::function<double()> random{};  // empty: the system's
};

class supervisor {
public:
    // Everything given by reference outlives the supervisor.
    supervisor(boost::asio::any_io_executor executor, supervisor_config config, common::mcp::backend& tools,
               events::log& log, session::engine& sessions, uploads::spool& uploads, common::log::logger& logger);
    ~supervisor();

    // Until stop(), or until the hub says that this machine may not link any more. What it began may end later: until
    // then, everything given has to be there.
    boost::asio::awaitable<void> run();
    void stop();
    // A session's summary changed: the hub gets a new snapshot soon.
    void sessions_changed();
    // Called when the hub gives the machine another name.
    void on_renamed(std::function<void(const std::string& name)> observer);

    // Called when the link is up again after it could not be, with a sentence about it.
    void on_restored(std::function<void(const std::string& details)> observer);

    link_status status() const;

private:
    class impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace agent::link
