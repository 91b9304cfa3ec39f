#include "common/async/backoff.hpp"

#include <gtest/gtest.h>

namespace {
using common::async::backoff;
using common::async::backoff_options;
using namespace std::chrono_literals;

const backoff_options options{.first = 1s, .max = 10s, .stable_after = 60s};

TEST(backoff, doubles_its_bound_up_to_the_maximum) {
    backoff b(options, [] { return 1.0; });
    std::vector<std::chrono::milliseconds> waits;
    for (int i = 0; i < 6; ++i) waits.push_back(b.next());
    EXPECT_EQ(waits, (std::vector<std::chrono::milliseconds>{1s, 2s, 4s, 8s, 10s, 10s}));
}

TEST(backoff, takes_a_random_part_of_the_bound) {
    double part = 0.0;
    backoff b(options, [&part] { return part; });
    EXPECT_EQ(b.next(), 0ms);
    part = 0.25;
    EXPECT_EQ(b.next(), 500ms);
}

TEST(backoff, a_random_source_out_of_range_cannot_leave_the_bound) {
    double part = 7.0;
    backoff b(options, [&part] { return part; });
    EXPECT_EQ(b.next(), 1s);
    part = -1.0;
    EXPECT_EQ(b.next(), 0ms);
}

TEST(backoff, starts_over_after_a_stable_connection_only) {
    backoff b(options, [] { return 1.0; });
    const backoff::clock::time_point t0{};
    b.next();
    b.next();
    b.connected(t0);
    b.disconnected(t0 + 59s);
    EXPECT_EQ(b.next(), 4s) << "a connection that flaps must not hammer the hub";
    b.connected(t0 + 100s);
    b.disconnected(t0 + 160s);
    EXPECT_EQ(b.next(), 1s);
}

TEST(backoff, a_second_disconnect_does_not_count_the_same_connection_again) {
    backoff b(options, [] { return 1.0; });
    const backoff::clock::time_point t0{};
    b.connected(t0);
    b.disconnected(t0 + 1s);
    b.next();
    b.disconnected(t0 + 1000s);
    EXPECT_EQ(b.next(), 2s);
}

}  // namespace
