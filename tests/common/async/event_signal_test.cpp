#include "common/async/event_signal.hpp"

#include <gtest/gtest.h>

namespace {
namespace asio = boost::asio;
using common::async::event_signal;
using namespace std::chrono_literals;

asio::awaitable<void> wait_into(event_signal& signal, std::chrono::steady_clock::time_point deadline,
                                std::optional<bool>& result) {
    result = co_await signal.wait_until(deadline);
}

TEST(event_signal, wakes_all_who_wait_now) {
    asio::io_context io;
    event_signal signal(io.get_executor());
    std::array<std::optional<bool>, 3> results;
    const auto late = std::chrono::steady_clock::now() + 1h;
    for (auto& r : results) asio::co_spawn(io, wait_into(signal, late, r), asio::detached);
    io.poll();
    for (auto& r : results) EXPECT_FALSE(r.has_value());
    signal.notify_all();
    io.run();
    for (auto& r : results) EXPECT_EQ(r, true);
}

TEST(event_signal, does_not_remember_a_notification) {
    asio::io_context io;
    event_signal signal(io.get_executor());
    signal.notify_all();
    std::optional<bool> result;
    asio::co_spawn(io, wait_into(signal, std::chrono::steady_clock::now(), result), asio::detached);
    io.run();
    EXPECT_EQ(result, false);
}

TEST(event_signal, a_notification_beats_a_deadline_that_has_passed_but_was_not_handled) {
    asio::io_context io;
    event_signal signal(io.get_executor());
    std::optional<bool> result;
    asio::co_spawn(io, wait_into(signal, std::chrono::steady_clock::now(), result), asio::detached);
    asio::post(io, [&] { signal.notify_all(); });
    io.run();
    EXPECT_EQ(result, true);
}

TEST(event_signal, destroying_it_wakes_with_false) {
    asio::io_context io;
    std::optional<event_signal> signal(io.get_executor());
    std::optional<bool> result;
    asio::co_spawn(io, wait_into(*signal, std::chrono::steady_clock::time_point::max(), result), asio::detached);
    io.poll();
    signal.reset();
    io.run();
    EXPECT_EQ(result, false);
}

TEST(event_signal, its_context_may_end_while_someone_waits) {
    std::optional<bool> result;
    {
        asio::io_context io;
        event_signal signal(io.get_executor());
        asio::co_spawn(io, wait_into(signal, std::chrono::steady_clock::time_point::max(), result), asio::detached);
        io.poll();
    }
    EXPECT_FALSE(result.has_value());
}

}  // namespace
