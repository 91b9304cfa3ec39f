#include "common/async/single_flight.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace {
namespace asio = boost::asio;
using common::async::event_signal;
using common::async::single_flight;

class single_flights : public testing::Test {
protected:
    static asio::awaitable<int> work(single_flights* self) {
        const int run = ++self->runs_;
        std::ignore = co_await self->go_.wait();
        if (self->fails_) throw std::logic_error("no");
        co_return run;
    }

    void ask(const std::string& key) {
        asio::co_spawn(io_, flights_.run(key, [this] { return work(this); }),
                       [this](std::exception_ptr thrown, int value) {
                           if (thrown) ++thrown_;
                           if (!thrown) values_.push_back(value);
                       });
        io_.restart();
        io_.poll();
    }
    void finish() {
        go_.notify_all();
        io_.restart();
        io_.run();
    }

    asio::io_context io_;
    single_flight<int> flights_{io_.get_executor()};
    event_signal go_{io_.get_executor()};
    int runs_ = 0;
    int thrown_ = 0;
    bool fails_ = false;
    std::vector<int> values_;
};

TEST_F(single_flights, join_by_key) {
    for (int i = 0; i < 3; ++i) ask("a");
    ask("b");
    EXPECT_EQ(runs_, 2);
    EXPECT_EQ(flights_.under_way(), 2U);
    EXPECT_TRUE(flights_.is_under_way("a"));
    finish();
    EXPECT_THAT(values_, testing::UnorderedElementsAre(1, 1, 1, 2));
    EXPECT_EQ(flights_.under_way(), 0U);
}

TEST_F(single_flights, keep_nothing) {
    ask("a");
    finish();
    ask("a");
    finish();
    EXPECT_THAT(values_, testing::ElementsAre(1, 2));
}

TEST_F(single_flights, fail_together) {
    fails_ = true;
    for (int i = 0; i < 3; ++i) ask("a");
    finish();
    EXPECT_EQ(runs_, 1);
    EXPECT_EQ(thrown_, 3);
    EXPECT_EQ(flights_.under_way(), 0U);
}

}  // namespace
