// Takes in the machines' links: GET /agent/v1/link. Does the database's part of the handshake, keeps registry and
// directory true, counts who is still unproven, and beats every link's heart on one timer wheel. One for the hub; hub's
// executor, SQL on the pool.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/async/event_signal.hpp"
#include "common/async/timer_wheel.hpp"
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
              common::log::logger& log, steady_clock_function now = std::chrono::steady_clock::now);

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange);

    // Calls tick() once a second, until the executor ends.
    boost::asio::awaitable<void> keep_time();
    // Serves the links whose time has come.
    void tick();
    // Tells every machine to link elsewhere and ends the waits of calls that only read; completes when all links have
    // gone, or shortly after the deadline.
    boost::asio::awaitable<void> drain(std::chrono::steady_clock::time_point deadline);

    boost::asio::awaitable<void> authenticate(std::shared_ptr<link> from, proto::hello hello) override;
    boost::asio::awaitable<void> admit(std::shared_ptr<link> from, proto::hub_action::verified verified) override;
    void conflict(link& from, const proto::hub_action::key_conflict& conflict) override;
    void established(const std::shared_ptr<link>& from) override;
    void event(link& from, const proto::hub_action::event_received& event) override;
    void sessions(link& from, const proto::sessions_snapshot& snapshot) override;
    void closed(link& from, std::uint16_t code, const std::string& reason) override;

private:
    using clock = std::chrono::steady_clock;

    // A link from its first byte on, established or not.
    struct open_link {
        open_link(std::shared_ptr<link> l, std::function<void()> beat, std::function<void()> store)
            : one(std::move(l)), heartbeat(std::move(beat)), store_soon(std::move(store)) {}
        std::shared_ptr<link> one;
        common::async::timer_wheel::timer heartbeat;
        common::async::timer_wheel::timer store_soon;
        std::int64_t acknowledged = 0;  // told to the machine
        std::int64_t stored = 0;
        bool storing = false;
    };

    void open(const std::shared_ptr<link>& one);
    void beat(const link* key);
    void take_out(const std::string& machine_id, std::string_view why);
    void store_acknowledgement(const link* key);
    boost::asio::awaitable<void> write_acknowledgement(std::shared_ptr<link> of, std::int64_t seq);
    boost::asio::awaitable<void> write_end(std::string machine_id, std::int64_t epoch, std::int64_t unstored_seq);
    boost::asio::awaitable<void> write_quarantine(std::string machine_id);
    boost::asio::awaitable<void> settled(clock::time_point deadline);
    void write_done();

    boost::asio::any_io_executor executor_;
    hub_identity identity_;
    tenancy::store& store_;
    common::async::blocking_pool& pool_;
    registry& links_;
    directory::sessions& sessions_;
    common::log::logger& log_;
    steady_clock_function now_;
    common::async::timer_wheel wheel_;
    std::map<const link*, open_link> open_;
    std::map<std::string, std::size_t> pending_by_address_;
    std::size_t pending_ = 0;
    std::size_t writes_ = 0;  // of links that have ended
    common::async::event_signal something_ended_;
    bool draining_ = false;
};

}  // namespace hub::links
