// What the pages of people work with. Everything outlives the pages; all on one executor but what the pools do.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"
#include "common/log/logger.hpp"
#include "common/net/http.hpp"
#include "hub/people/linked_accounts.hpp"
#include "hub/people/passkey_store.hpp"
#include "hub/people/password_hasher.hpp"
#include "hub/people/sessions.hpp"
#include "hub/people/sign_in_limits.hpp"
#include "hub/people/store.hpp"
#include "hub/upstream/providers.hpp"
#include "hub/upstream/visits.hpp"

namespace hub::people {

struct services {
    store& people;
    passkey_store& passkeys;
    sessions& web;
    password_hasher& passwords;
    sign_in_limits& limits;
    common::async::blocking_pool& pool;
    common::log::logger& log;
    linked_accounts& linked;
    upstream::providers& providers;
    upstream::visits& visits;
    std::string public_url;  // without a trailing slash
};

inline tenancy::error pool_trouble(common::async::pool_error e) {
    return {tenancy::errc::unavailable, std::string(common::async::to_sentence(e)), {}};
}

// Runs job(), which returns a tenancy::result, on the pool of SQL.
template <class Job, class R = std::invoke_result_t<Job&>>
boost::asio::awaitable<R> on_pool(services& with, Job job) {
    auto done = co_await with.pool.run(std::move(job));
    if (!done) co_return std::unexpected(pool_trouble(done.error()));
    co_return std::move(*done);
}

}  // namespace hub::people
