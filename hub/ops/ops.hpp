// The operators' listener, apart from the public one: is the hub alive, is it ready. Hub's executor.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/net/http.hpp"
#include "hub/links/registry.hpp"
#include "hub/tenancy/store.hpp"

namespace hub::ops {

class ops {
public:
    // Everything given outlives it.
    ops(tenancy::store& store, common::async::blocking_pool& pool, const links::registry& links);

    // GET /healthz: the process answers. GET /readyz: the database does too (503 if not).
    boost::asio::awaitable<void> handle(common::net::http_exchange& exchange);

private:
    tenancy::store& store_;
    common::async::blocking_pool& pool_;
    const links::registry& links_;
};

}  // namespace hub::ops
