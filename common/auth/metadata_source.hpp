// The metadata of an authorization server, fetched when needed and kept for an hour; longer if the server cannot be
// reached then. All on one executor.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/single_flight.hpp"
#include "common/auth/server_metadata.hpp"
#include "common/auth/token_checker.hpp"

namespace common::auth {

class metadata_source {
public:
    using result = std::expected<server_metadata, std::string>;

    metadata_source(boost::asio::any_io_executor executor, std::string issuer, server_access access);

    // The error is a sentence, and the same one for ten seconds. Outlives what awaits it.
    boost::asio::awaitable<result> find();

private:
    boost::asio::awaitable<bool> refresh();

    std::string issuer_;
    server_access access_;
    async::single_flight<bool> fetches_;
    result found_;
    std::chrono::steady_clock::time_point ask_again_at_{};
};

}  // namespace common::auth
