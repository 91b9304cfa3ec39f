#include "common/async/task_group.hpp"

#include <stdexcept>

#include <gtest/gtest.h>
#include <boost/asio/this_coro.hpp>

#include "common/async/event_signal.hpp"

namespace {
namespace asio = boost::asio;
using common::async::event_signal;
using common::async::task_group;
using namespace std::chrono_literals;

class task_group_test : public testing::Test {
protected:
    asio::io_context io;
    std::vector<std::string> failures;
    task_group group{io.get_executor(), [this](std::exception_ptr e) {
                         try {
                             std::rethrow_exception(e);
                         } catch (const std::exception& x) {
                             failures.emplace_back(x.what());
                         }
                     }};
    event_signal never{io.get_executor()};
    std::vector<std::string> story;

    // Notices stage one, and ends in its own time.
    asio::awaitable<void> polite() {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
        co_await asio::this_coro::throw_if_cancelled(false);
        co_await never.wait();
        story.emplace_back("polite ended");
    }
    // The default state of a coroutine: only stage two reaches it.
    asio::awaitable<void> stubborn() {
        co_await never.wait();
        story.emplace_back("stubborn ended");
    }
    asio::awaitable<void> faulty() {
        throw std::runtime_error("broken");
        co_return;
    }
    asio::awaitable<void> shut_down(std::chrono::milliseconds grace, std::optional<bool>& result) {
        result = co_await group.shutdown(grace, 1h);
    }
};

TEST_F(task_group_test, shutdown_asks_first_and_waits_for_the_polite) {
    group.spawn(polite());
    io.poll();
    EXPECT_EQ(group.size(), 1U);
    std::optional<bool> result;
    asio::co_spawn(io, shut_down(1h, result), asio::detached);
    io.run();
    EXPECT_EQ(result, true);
    EXPECT_EQ(story, std::vector<std::string>{"polite ended"});
    EXPECT_EQ(group.size(), 0U);
}

TEST_F(task_group_test, shutdown_ends_the_stubborn_after_the_grace) {
    group.spawn(stubborn());
    group.spawn(polite());
    io.poll();
    std::optional<bool> result;
    asio::co_spawn(io, shut_down(1ms, result), asio::detached);
    io.run();
    EXPECT_EQ(result, true);
    ASSERT_EQ(story.size(), 2U);
    EXPECT_EQ(story[0], "polite ended");
    EXPECT_TRUE(failures.empty());
}

TEST_F(task_group_test, takes_no_tasks_while_it_shuts_down) {
    std::optional<bool> result;
    asio::co_spawn(io, shut_down(1ms, result), asio::detached);
    io.run();
    EXPECT_EQ(result, true);
    EXPECT_FALSE(group.spawn(stubborn()));
    EXPECT_EQ(group.size(), 0U);
}

TEST_F(task_group_test, tells_what_a_task_threw_and_goes_on) {
    group.spawn(faulty());
    group.spawn(stubborn());
    io.poll();
    EXPECT_EQ(failures, std::vector<std::string>{"broken"});
    EXPECT_EQ(group.size(), 1U);
}

TEST_F(task_group_test, wait_empty_gives_up_at_its_deadline) {
    group.spawn(stubborn());
    io.poll();
    std::optional<bool> result;
    asio::co_spawn(
        io,
        [](task_group& g, std::optional<bool>& out) -> asio::awaitable<void> {
            out = co_await g.wait_empty(std::chrono::steady_clock::now());
        }(group, result),
        asio::detached);
    while (!result) io.run_one();
    EXPECT_EQ(result, false);
}

TEST_F(task_group_test, destroying_the_group_ends_its_tasks) {
    std::optional<task_group> short_lived(std::in_place, io.get_executor(), nullptr);
    short_lived->spawn(stubborn());
    io.poll();
    short_lived.reset();
    io.run();
    EXPECT_EQ(story, std::vector<std::string>{"stubborn ended"});
}

}  // namespace
