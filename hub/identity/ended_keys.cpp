#include "hub/identity/ended_keys.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hub::identity {

namespace {

constexpr std::chrono::seconds look_every{1};
constexpr std::int64_t told_for_ms = 3'600'000;

}  // namespace

ended_keys::ended_keys(tenancy::store& accounts, common::async::blocking_pool& pool, list_grants grants,
                       handler on_ended, tenancy::clock_function now)
    : accounts_(accounts),
      pool_(pool),
      grants_(std::move(grants)),
      on_ended_(std::move(on_ended)),
      now_(std::move(now)) {}

boost::asio::awaitable<void> ended_keys::watch() {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    for (;;) {
        timer.expires_after(look_every);
        auto [ec] = co_await timer.async_wait(token);
        if (ec) co_return;
        co_await look();
    }
}

boost::asio::awaitable<void> ended_keys::look() {
    auto query = [this, since = now_() - told_for_ms] {
        ids ended;
        if (const auto keys = accounts_.list_ended_api_keys(since)) ended.insert(keys->begin(), keys->end());
        if (const auto grants = grants_()) ended.insert(grants->begin(), grants->end());
        return ended;
    };
    const auto ended = co_await pool_.run(std::move(query));
    if (ended && !ended->empty()) on_ended_(*ended);
}

}  // namespace hub::identity
