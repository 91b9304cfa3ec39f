// POST /agent/v1/enroll: a machine shows a join token and its public key, and becomes a machine of the token's workspace.
// Hub's executor, SQL on the pool. The token is spent in the same transaction that inserts the machine.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/log/logger.hpp"
#include "common/net/http.hpp"
#include "hub/links/link_host.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::links {

class enrolment {
public:
    // Everything given outlives the enrolment.
    enrolment(const hub_identity& identity, tenancy::store& store, common::async::blocking_pool& pool,
              common::log::logger& log);

    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange);

private:
    const hub_identity& identity_;
    tenancy::store& store_;
    common::async::blocking_pool& pool_;
    common::log::logger& log_;
};

}  // namespace hub::links
