#include "common/async/blocking_pool.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <stdexcept>

#include <sys/resource.h>

#include <gtest/gtest.h>

namespace {
namespace asio = boost::asio;
using common::async::blocking_pool;
using common::async::pool_error;

template <class R>
using outcome = std::expected<R, pool_error>;

template <class R>
asio::awaitable<void> store(asio::awaitable<outcome<R>> job, std::optional<outcome<R>>& result) {
    result = co_await std::move(job);
}

// Keeps the pool's only thread busy until released.
class busy_job {
public:
    auto job() {
        return [this] {
            running_.count_down();
            released_.get_future().wait();
        };
    }
    void wait_until_running() { running_.wait(); }
    void release() { released_.set_value(); }

private:
    std::latch running_{1};
    std::promise<void> released_;
};

TEST(blocking_pool, runs_the_job_on_its_thread_and_resumes_on_the_callers) {
    asio::io_context io;
    blocking_pool pool(2, 10);
    std::thread::id job_thread;
    std::optional<outcome<std::string>> result;
    auto move_only = std::make_unique<std::string>("done");
    asio::co_spawn(io,
                   store(pool.run([&job_thread, text = std::move(move_only)] {
                       job_thread = std::this_thread::get_id();
                       return *text;
                   }),
                         result),
                   asio::detached);
    io.run();
    ASSERT_TRUE(result);
    EXPECT_EQ(*result, "done");
    EXPECT_NE(job_thread, std::this_thread::get_id());
}

TEST(blocking_pool, starts_nothing_before_it_is_awaited) {
    blocking_pool pool(1, 10);
    std::atomic<bool> ran = false;
    {
        auto unused = pool.run([&ran] { ran = true; });
    }
    pool.stop();
    EXPECT_FALSE(ran);
}

TEST(blocking_pool, throws_in_the_awaiter_what_the_job_threw) {
    asio::io_context io;
    blocking_pool pool(1, 10);
    std::string what;
    std::optional<outcome<int>> result;
    asio::co_spawn(io, store(pool.run([]() -> int { throw std::runtime_error("no such table"); }), result),
                   [&what](std::exception_ptr e) {
                       try {
                           if (e) std::rethrow_exception(e);
                       } catch (const std::exception& x) {
                           what = x.what();
                       }
                   });
    io.run();
    EXPECT_EQ(what, "no such table");
    EXPECT_FALSE(result);
}

TEST(blocking_pool, a_full_queue_is_an_error_at_once) {
    asio::io_context io;
    blocking_pool pool(1, 1);
    busy_job busy;
    std::array<std::optional<outcome<void>>, 3> results;
    asio::co_spawn(io, store(pool.run(busy.job()), results[0]), asio::detached);
    io.poll();
    busy.wait_until_running();
    asio::co_spawn(io, store(pool.run([] {}), results[1]), asio::detached);
    asio::co_spawn(io, store(pool.run([] {}), results[2]), asio::detached);
    while (!results[2]) io.run_one();
    EXPECT_EQ(results[2]->error(), pool_error::overloaded);
    EXPECT_EQ(pool.queued(), 1U);
    busy.release();
    io.run();
    EXPECT_TRUE(results[0]->has_value());
    EXPECT_TRUE(results[1]->has_value());
}

TEST(blocking_pool, stop_finishes_what_runs_and_fails_what_waits) {
    asio::io_context io;
    blocking_pool pool(1, 10);
    busy_job busy;
    std::array<std::optional<outcome<void>>, 3> results;
    asio::co_spawn(io, store(pool.run(busy.job()), results[0]), asio::detached);
    io.poll();
    busy.wait_until_running();
    bool ran = false;
    asio::co_spawn(io, store(pool.run([&ran] { ran = true; }), results[1]), asio::detached);
    io.poll();
    std::thread stopper([&pool] { pool.stop(); });
    while (!results[1]) io.run_one();
    EXPECT_EQ(results[1]->error(), pool_error::stopped);
    busy.release();
    stopper.join();
    asio::co_spawn(io, store(pool.run([&ran] { ran = true; }), results[2]), asio::detached);
    io.run();
    EXPECT_TRUE(results[0]->has_value());
    EXPECT_EQ(results[2]->error(), pool_error::stopped);
    EXPECT_FALSE(ran);
    EXPECT_FALSE(to_sentence(pool_error::stopped).empty());
}

TEST(blocking_pool, survives_that_the_awaiting_coroutine_is_destroyed) {
    std::optional<asio::io_context> io(std::in_place);
    blocking_pool pool(1, 10);
    busy_job busy;
    std::optional<outcome<void>> running;
    std::optional<outcome<void>> queued;
    std::promise<void> second_ran;
    asio::co_spawn(*io, store(pool.run(busy.job()), running), asio::detached);
    asio::co_spawn(*io, store(pool.run([&second_ran] { second_ran.set_value(); }), queued), asio::detached);
    io->poll();
    busy.wait_until_running();
    io.reset();
    busy.release();
    second_ran.get_future().wait();
    pool.stop();
    EXPECT_FALSE(running);
    EXPECT_FALSE(queued);
}

TEST(blocking_pool, a_coroutine_that_begins_to_wait_while_its_context_ends_is_destroyed_too) {
    std::optional<outcome<void>> result;
    blocking_pool pool(4, 100);
    for (int round = 0; round < 50; ++round) {
        asio::io_context io;
        for (int i = 0; i < 4; ++i) asio::co_spawn(io, store(pool.run([] {}), result), asio::detached);
        io.poll();
    }
}

TEST(blocking_pool, its_background_threads_alone_stand_back_for_the_others) {
    asio::io_context io;
    blocking_pool behind(1, 10, blocking_pool::priority::background);
    blocking_pool normal(1, 10);
    const auto niceness = [] { return ::getpriority(PRIO_PROCESS, 0); };
    const int mine = niceness();
    std::optional<outcome<int>> of_behind;
    std::optional<outcome<int>> of_normal;
    asio::co_spawn(io, store(behind.run(niceness), of_behind), asio::detached);
    asio::co_spawn(io, store(normal.run(niceness), of_normal), asio::detached);
    io.run();
    EXPECT_EQ(of_behind, std::min(mine + 10, 19));
    EXPECT_EQ(of_normal, mine);
    EXPECT_EQ(niceness(), mine);
}

}  // namespace
