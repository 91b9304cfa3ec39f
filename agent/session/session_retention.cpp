// Forgets sessions that nobody used for longer than the machine keeps them; see agent/events/retention.
#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/events/retention.hpp"
#include "agent/session/engine_rows.hpp"
#include "agent/session/session_engine.hpp"
#include "agent/session/settings_file.hpp"

namespace agent::session {
namespace asio = boost::asio;
using common::db::connection;

namespace {

constexpr std::chrono::hours forget_interval{6};

}  // namespace

asio::awaitable<void> session_engine::forget_old() {
    const auto keep = services_.options.keep;
    if (keep.count() == 0) co_return;
    asio::steady_timer timer(services_.executor);
    while (!services_.stopping) {
        bool more = true;
        while (more && !services_.stopping) more = co_await forget_one();
        timer.expires_after(forget_interval);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

// False: there is none now. One transaction each, so that nobody waits long for the log.
asio::awaitable<bool> session_engine::forget_one() {
    const std::int64_t keep = services_.options.keep.count();
    const std::int64_t now = session_services::now_ms();
    const auto id = std::make_shared<std::string>();
    const auto looked = co_await services_.log.run_reading(
        [=](connection& c) { *id = events::oldest_forgettable(c, now, keep).value_or(""); });
    if (!looked || id->empty() || starting_.contains(*id) || live_.contains(*id)) co_return false;
    const reservation mine(*this, *id, claim::note);
    const auto forgotten = co_await services_.log.run([=](connection& c) {
        // It may have been used since.
        if (events::oldest_forgettable(c, now, keep).value_or("") != *id) return;
        events::forget_session(c, *id);
        remove_session(c, *id);
    });
    if (forgotten) remove_settings_file(services_.options.state_directory, *id);
    co_return forgotten.has_value();
}

}  // namespace agent::session
