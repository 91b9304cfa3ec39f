// Learns of API keys and grants that were revoked or expired, by whatever process: what such a key has open must end, and
// nobody asks for it again by itself. Looks into the database once a second. On the executor that awaits; SQL on the pool.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::identity {

class ended_keys {
public:
    using ids = std::set<std::string, std::less<>>;
    // Told at every look, of every key that ended in the last hour: a request that was let in a moment too late may have
    // opened something since, and the clocks of those who revoke may differ.
    using handler = std::function<void(const ids&)>;

    // Ids of the grants that ended of late (hub/oauth); on the pool.
    using list_grants = std::function<tenancy::result<std::vector<std::string>>()>;

    // Everything given outlives the coroutines.
    ended_keys(tenancy::store& accounts, common::async::blocking_pool& pool, list_grants grants, handler on_ended,
               tenancy::clock_function now = tenancy::system_time_ms);

    // Looks every second, until the executor ends.
    boost::asio::awaitable<void> watch();
    // Without the database nothing is told: the next look will.
    boost::asio::awaitable<void> look();

private:
    tenancy::store& accounts_;
    common::async::blocking_pool& pool_;
    list_grants grants_;
    handler on_ended_;
    tenancy::clock_function now_;
};

}  // namespace hub::identity
