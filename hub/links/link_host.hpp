// Takes in the machines' links: GET /agent/v1/link. Does the database's part of the handshake, keeps registry and
// directory true, and counts who is still unproven. One for the hub; hub's executor, SQL on the pool.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/crypto/ed25519_key.hpp"
#include "common/log/logger.hpp"
#include "common/net/http.hpp"
#include "hub/directory/sessions.hpp"
#include "hub/links/link.hpp"
#include "hub/links/registry.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::links {

struct hub_identity {
    std::string hub_id;
    std::string kid;
    std::string origin;  // the public URL: what both sides sign
    common::crypto::ed25519_key key;
};

class link_host : public link_owner {
public:
    // Everything given outlives the host.
    link_host(boost::asio::any_io_executor executor, hub_identity identity, tenancy::store& store,
              common::async::blocking_pool& pool, registry& links, directory::sessions& sessions,
              common::log::logger& log);

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange);

    // Calls tick() of every link, once a second, until the executor ends.
    boost::asio::awaitable<void> keep_time();
    // Tells every machine to link elsewhere; completes when all have gone, or at the deadline.
    boost::asio::awaitable<void> drain(std::chrono::steady_clock::time_point deadline);

    boost::asio::awaitable<void> authenticate(std::shared_ptr<link> from, proto::hello hello) override;
    boost::asio::awaitable<void> admit(std::shared_ptr<link> from, proto::hub_action::verified verified) override;
    void conflict(link& from, const proto::hub_action::key_conflict& conflict) override;
    void established(const std::shared_ptr<link>& from) override;
    void event(link& from, const proto::hub_action::event_received& event) override;
    void sessions(link& from, const proto::sessions_snapshot& snapshot) override;
    void closed(link& from, std::uint16_t code, const std::string& reason) override;

private:
    boost::asio::awaitable<void> quarantine(std::string machine_id);
    boost::asio::awaitable<void> store_acknowledgement(std::shared_ptr<link> of);

    boost::asio::any_io_executor executor_;
    hub_identity identity_;
    tenancy::store& store_;
    common::async::blocking_pool& pool_;
    registry& links_;
    directory::sessions& sessions_;
    common::log::logger& log_;
    std::map<const link*, std::shared_ptr<link>> open_;  // established or not: for the clock
    std::map<std::string, std::size_t> pending_by_address_;
    std::size_t pending_ = 0;
    bool draining_ = false;

    struct acknowledgement {
        std::int64_t seq = 0;
        bool storing = false;
    };
    std::map<const link*, acknowledgement> acknowledged_;
};

}  // namespace hub::links
