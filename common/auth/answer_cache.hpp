// For servers that must be asked about each token: what they said, for seconds, by the token's SHA-256; who asks for one
// token at once gets one answer; and no more than 64 questions at a time. All on one executor.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/async/single_flight.hpp"
#include "common/auth/token_checker.hpp"

namespace common::auth {

class answer_cache {
public:
    using ask_function = std::function<boost::asio::awaitable<token_result>(std::string token)>;

    // A good answer lives for `good_for`, never longer than the token; a bad one for 5 s. That the server cannot be asked
    // is not kept.
    answer_cache(boost::asio::any_io_executor executor, ask_function ask, std::chrono::seconds good_for, clocks time,
                 std::size_t entries_max = 10'000);

    boost::asio::awaitable<token_result> find(std::string token);

private:
    using time_point = std::chrono::steady_clock::time_point;
    struct entry {
        token_result answer;
        time_point until;
    };
    // Good and bad apart, so that made-up tokens do not push real ones out.
    using table = std::map<std::string, entry>;

    boost::asio::awaitable<token_result> ask(std::string token, std::string hash);
    std::optional<token_result> kept(const table& entries, const std::string& hash) const;
    void keep(table& entries, const std::string& hash, entry fresh);

    ask_function ask_;
    std::chrono::seconds good_for_;
    clocks time_;
    std::size_t entries_max_;
    async::single_flight<token_result> questions_;
    table good_;
    table bad_;
};

}  // namespace common::auth
