// Hashes passwords on two threads of its own, so that people who sign in never hold up SQL or calls. One of them is for those
// who have failed before, so that who tries many passwords waits behind others of that kind only, and for the processor
// behind everybody. At most 64 wait for each: more is an error at once, and a flood of attempts costs 38 MiB. Thread-safe.
#pragma once

#include <expected>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/async/blocking_pool.hpp"

namespace hub::people {

class password_hasher {
public:
    password_hasher();

    boost::asio::awaitable<std::expected<std::string, common::async::pool_error>> hash(std::string password);
    // With an empty hash, of somebody unknown, the work is the same and the answer no.
    boost::asio::awaitable<std::expected<bool, common::async::pool_error>> verify(std::string hash,
                                                                                  std::string password,
                                                                                  bool has_failed_before = false);

    // Before the io_context's handlers are abandoned.
    void stop() {
        pool_.stop();
        suspects_.stop();
    }

private:
    std::string nobodys_hash_;
    common::async::blocking_pool pool_;
    common::async::blocking_pool suspects_;
};

}  // namespace hub::people
