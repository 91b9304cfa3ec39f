// The keys of an authorization server, fetched when needed and kept as long as it says: 5 minutes to a day, and a day
// longer if it cannot be reached. All on one executor.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/single_flight.hpp"
#include "common/auth/json_web_key.hpp"
#include "common/auth/token_checker.hpp"

namespace common::auth {

class key_source : public std::enable_shared_from_this<key_source> {
public:
    key_source(boost::asio::any_io_executor executor, std::string issuer, server_access access);

    // The keys in which to look for `kid`. A kid that is not among them makes us fetch once, then not for a minute: tokens
    // with made-up kids must not make us a flood for the server. Null with a reason: there are no keys that could tell.
    struct found {
        std::shared_ptr<const key_set> keys;
        std::string why_not;
    };
    boost::asio::awaitable<found> find(std::string kid);

private:
    using time_point = std::chrono::steady_clock::time_point;

    boost::asio::awaitable<void> refresh();
    boost::asio::awaitable<bool> fetch();
    void refresh_early();
    found give(std::string_view kid) const;

    boost::asio::any_io_executor executor_;
    std::string issuer_;
    server_access access_;
    async::single_flight<bool> fetches_;
    std::shared_ptr<const key_set> keys_;
    std::string failure_;       // of the last fetch; empty: it was good
    time_point fresh_until_{};  // of keys_
    time_point early_at_{};     // from here on they are fetched again although they are fresh
    time_point keep_until_{};   // even if the server cannot be reached
    time_point retry_at_{};     // not before, after a failure
    time_point unknown_at_{};   // the next fetch for an unknown kid
};

}  // namespace common::auth
