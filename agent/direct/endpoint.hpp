// The agent reached directly, without a hub: by a tunnel, or on a network. A listener of its own, on which every request
// needs a credential, loopback ones too: an OAuth protected resource, with API keys beside it. The agent's I/O thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/direct/api_keys.hpp"
#include "agent/direct/direct_front.hpp"
#include "agent/direct/verifier.hpp"
#include "common/auth/resource_server.hpp"
#include "common/auth/server_options.hpp"
#include "common/auth/throttle.hpp"
#include "common/log/logger.hpp"
#include "common/mcp/engine.hpp"
#include "common/net/client_address.hpp"
#include "common/net/fetch_guard.hpp"
#include "common/net/listen_address.hpp"
#include "common/net/listener.hpp"
#include "common/net/tls_context.hpp"

namespace agent::direct {

struct endpoint_config {
    common::net::listen_address listen;  // an empty host: the agent is not reached directly
    std::string public_url;              // without a trailing slash; every URL that is told comes from it
    std::filesystem::path tls_certificate;
    std::filesystem::path tls_key;
    std::vector<std::string> allowed_origins;                 // of web pages that may call, with a credential
    std::vector<common::net::address_range> trusted_proxies;  // whose X-Forwarded-For is believed
    common::auth::server_options auth_server;
    std::vector<std::string> subjects;                    // of its tokens: whose are taken
    std::vector<common::net::fetch_place> fetch_allowed;  // beside the public internet
    std::filesystem::path fetch_ca;                       // PEM, trusted besides the system's authorities
};

// What outlives the endpoint.
struct endpoint_services {
    boost::asio::any_io_executor executor;
    common::mcp::backend& tools;
    common::auth::api_handler upload;
    common::log::logger& log;
};

class endpoint {
public:
    // Refuses, with a sentence that says what to do, if nobody could prove who they are. `keys`: of `codez key`.
    // `mcp`: as for the local endpoint; who is challenged is the endpoint's own to know.
    static std::expected<std::unique_ptr<endpoint>, std::string> make(endpoint_config config,
                                                                      std::filesystem::path keys,
                                                                      endpoint_services services,
                                                                      common::mcp::engine_options mcp);
    endpoint(const endpoint&) = delete;
    endpoint& operator=(const endpoint&) = delete;

    std::expected<void, std::string> open();
    std::uint16_t port() const;
    // Looks every second for credentials that ended, and ends what they have open. Until the executor ends.
    boost::asio::awaitable<void> watch();
    // Reads the TLS files again on SIGHUP. Until the executor ends.
    boost::asio::awaitable<void> reload_on_hangup();

    void end_streams();
    boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);

private:
    using tls_ptr = std::shared_ptr<common::net::server_tls_context>;

    endpoint(endpoint_config config, std::filesystem::path keys, endpoint_services services,
             common::mcp::engine_options mcp, tls_ptr tls, common::net::ssl_context_ptr trust);
    token_options tokens();
    std::optional<std::chrono::milliseconds> wrong_credential(const common::net::http_request& request);

    endpoint_config config_;
    endpoint_services services_;
    tls_ptr tls_;
    common::net::ssl_context_ptr trust_;  // of the authorization server
    live_keys keys_;
    verifier verifier_;
    common::auth::throttle wrong_credentials_;
    common::mcp::engine engine_;
    direct_front front_;
    std::unique_ptr<common::net::listener> listener_;
};

}  // namespace agent::direct
