#include "common/async/timer_wheel.hpp"

#include <random>

#include <gtest/gtest.h>

namespace {
using common::async::timer_wheel;
using namespace std::chrono_literals;

class timer_wheel_test : public testing::Test {
protected:
    const timer_wheel::clock::time_point t0 = timer_wheel::clock::time_point(1000h);
    timer_wheel wheel{100ms, 8, t0};
    int fired = 0;
    timer_wheel::timer timer{[this] { ++fired; }};
};

TEST_F(timer_wheel_test, fires_once_when_due_and_never_early) {
    wheel.arm(timer, t0 + 250ms);
    wheel.tick(t0 + 299ms);
    EXPECT_EQ(fired, 0);
    EXPECT_TRUE(timer.armed());
    wheel.tick(t0 + 300ms);
    EXPECT_EQ(fired, 1);
    EXPECT_FALSE(timer.armed());
    wheel.tick(t0 + 10s);
    EXPECT_EQ(fired, 1);
}

TEST_F(timer_wheel_test, waits_longer_than_one_round) {
    wheel.arm(timer, t0 + 5s);
    for (auto t = t0; t < t0 + 5s; t += 100ms) wheel.tick(t);
    EXPECT_EQ(fired, 0);
    wheel.tick(t0 + 5s);
    EXPECT_EQ(fired, 1);
}

TEST_F(timer_wheel_test, a_jump_of_many_rounds_fires_everything_that_is_due) {
    std::vector<std::unique_ptr<timer_wheel::timer>> many;
    for (int i = 0; i < 100; ++i) {
        many.push_back(std::make_unique<timer_wheel::timer>([this] { ++fired; }));
        wheel.arm(*many.back(), t0 + i * 70ms);
    }
    wheel.tick(t0 + 1h);
    EXPECT_EQ(fired, 100);
}

TEST_F(timer_wheel_test, cancel_and_rearm_move_a_timer) {
    wheel.arm(timer, t0 + 200ms);
    timer.cancel();
    wheel.tick(t0 + 1s);
    EXPECT_EQ(fired, 0);
    wheel.arm(timer, t0 + 1500ms);
    wheel.arm(timer, t0 + 2500ms);
    wheel.tick(t0 + 2s);
    EXPECT_EQ(fired, 0);
    wheel.tick(t0 + 2500ms);
    EXPECT_EQ(fired, 1);
}

TEST_F(timer_wheel_test, a_time_in_the_past_fires_in_the_next_tick) {
    wheel.tick(t0 + 1s);
    wheel.arm(timer, t0);
    wheel.tick(t0 + 1100ms);
    EXPECT_EQ(fired, 1);
}

TEST_F(timer_wheel_test, a_callback_may_rearm_its_own_timer) {
    timer_wheel::clock::time_point now = t0;
    timer_wheel::timer* self = nullptr;
    timer_wheel::timer heartbeat([&] {
        ++fired;
        wheel.arm(*self, now + 100ms);
    });
    self = &heartbeat;
    wheel.arm(heartbeat, t0 + 100ms);
    for (int i = 1; i <= 20; ++i) {
        now = t0 + i * 100ms;
        wheel.tick(now);
        EXPECT_EQ(fired, i);
    }
}

TEST_F(timer_wheel_test, a_callback_may_cancel_its_own_timer_and_use_it_again_later) {
    timer_wheel::timer* self = nullptr;
    timer_wheel::timer t([&] {
        ++fired;
        self->cancel();
    });
    self = &t;
    wheel.arm(t, t0 + 100ms);
    wheel.tick(t0 + 100ms);
    wheel.arm(t, t0 + 200ms);
    wheel.tick(t0 + 200ms);
    EXPECT_EQ(fired, 2);
}

TEST_F(timer_wheel_test, a_callback_may_destroy_its_own_timer_and_others_due_in_the_same_tick) {
    std::unique_ptr<timer_wheel::timer> first;
    std::unique_ptr<timer_wheel::timer> second;
    first = std::make_unique<timer_wheel::timer>([&] {
        ++fired;
        second.reset();
        first.reset();
    });
    second = std::make_unique<timer_wheel::timer>([&] { ++fired; });
    wheel.arm(*first, t0 + 100ms);
    wheel.arm(*second, t0 + 100ms);
    wheel.tick(t0 + 1s);
    EXPECT_EQ(fired, 1);
}

TEST_F(timer_wheel_test, timers_outlive_their_wheel) {
    {
        timer_wheel other(100ms, 8, t0);
        other.arm(timer, t0 + 100ms);
    }
    EXPECT_FALSE(timer.armed());
    wheel.arm(timer, t0 + 100ms);
    wheel.tick(t0 + 100ms);
    EXPECT_EQ(fired, 1);
}

TEST_F(timer_wheel_test, agrees_with_a_plain_list_of_deadlines) {
    struct entry {
        std::unique_ptr<timer_wheel::timer> timer;
        timer_wheel::clock::time_point due;
        bool armed = false;
    };
    std::mt19937 random(42);
    auto now = t0;
    std::vector<entry> entries(200);
    for (auto& e : entries) {
        e.timer = std::make_unique<timer_wheel::timer>([&e, &now] {
            EXPECT_TRUE(e.armed);
            EXPECT_LE(e.due, now);
            e.armed = false;
        });
    }
    for (int round = 0; round < 500; ++round) {
        for (int i = 0; i < 20; ++i) {
            auto& e = entries[random() % entries.size()];
            if (random() % 4 == 0) {
                e.timer->cancel();
                e.armed = false;
            } else {
                e.due = now + std::chrono::milliseconds(random() % 3000);
                e.armed = true;
                wheel.arm(*e.timer, e.due);
            }
        }
        now += std::chrono::milliseconds(random() % 400);
        wheel.tick(now);
        for (auto& e : entries) EXPECT_FALSE(e.armed && e.due + 200ms <= now) << "missed";
    }
}

}  // namespace
