#include "hub/people/password_hasher.hpp"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "hub/people/password.hpp"

namespace hub::people {
namespace {

class password_hashers : public testing::Test {
protected:
    template <class T>
    T run(boost::asio::awaitable<T> work) {
        std::optional<T> out;
        boost::asio::co_spawn(context_, std::move(work), [&](const std::exception_ptr& thrown, T value) {
            EXPECT_FALSE(thrown);
            out = std::move(value);
        });
        context_.restart();
        context_.run();
        return std::move(out).value();
    }

    boost::asio::io_context context_;
    password_hasher hasher_;
};

TEST_F(password_hashers, what_was_hashed_fits_and_nothing_fits_nobody) {
    const auto hash = run(hasher_.hash("correct horse battery")).value();
    EXPECT_TRUE(run(hasher_.verify(hash, "correct horse battery")).value());
    EXPECT_FALSE(run(hasher_.verify(hash, "correct horse batterx")).value());
    EXPECT_FALSE(run(hasher_.verify("", "")).value());
    EXPECT_FALSE(run(hasher_.verify("", "correct horse battery")).value());
}

TEST_F(password_hashers, a_flood_is_refused_at_once_and_leaves_nothing_behind) {
    int done = 0;
    int busy = 0;
    for (int i = 0; i < 100; ++i)
        boost::asio::co_spawn(context_, hasher_.verify("", "x"), [&](const std::exception_ptr& thrown, auto fits) {
            EXPECT_FALSE(thrown);
            if (fits) return void(++done);
            EXPECT_EQ(fits.error(), common::async::pool_error::overloaded);
            ++busy;
        });
    context_.run();
    EXPECT_EQ(done + busy, 100);
    EXPECT_GE(done, 64);
    EXPECT_GE(busy, 20);
    EXPECT_TRUE(run(hasher_.hash("x")));
    hasher_.stop();
    EXPECT_EQ(run(hasher_.hash("x")).error(), common::async::pool_error::stopped);
}

}  // namespace
}  // namespace hub::people
