// Many coarse timers on one clock: a hashed wheel with O(1) arm and cancel and no allocation, for the heartbeats of
// 10 000 links. The owner calls tick() regularly; a timer fires in the first tick at or after it is due, never early.
// One thread. Timers unlink themselves when destroyed; a wheel that dies first forgets its timers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace common::async {

class timer_wheel {
    struct link {
        link* previous = this;
        link* next = this;
        bool linked() const { return next != this; }
        void unlink();
        void insert_before(link& position);
    };

public:
    using clock = std::chrono::steady_clock;

    class timer : link {
    public:
        // The callback may arm, cancel or destroy any timer, its own included. It does not throw.
        explicit timer(std::function<void()> callback) : callback_(std::move(callback)) {}
        ~timer();
        timer(const timer&) = delete;
        timer& operator=(const timer&) = delete;

        void cancel();
        bool armed() const { return linked(); }

    private:
        friend class timer_wheel;
        std::function<void()> callback_;
        timer_wheel* wheel_ = nullptr;  // while armed, or while the callback runs
        std::uint64_t due_ = 0;         // in ticks
    };

    // `resolution` is the tick; deadlines are rounded up to it. `slots` is best near the usual wait in ticks.
    timer_wheel(std::chrono::milliseconds resolution, std::size_t slots, clock::time_point now);
    ~timer_wheel();
    timer_wheel(const timer_wheel&) = delete;
    timer_wheel& operator=(const timer_wheel&) = delete;

    // Arms or moves a timer.
    void arm(timer& t, clock::time_point due);
    // Fires what is due. Not from a callback.
    void tick(clock::time_point now);

private:
    std::uint64_t ticks_at(clock::time_point when, bool round_up) const;
    void fire(timer& t);

    std::chrono::milliseconds resolution_;
    clock::time_point start_;
    std::uint64_t now_ = 0;  // the last tick that was processed
    std::vector<link> slots_;
    timer* firing_ = nullptr;
};

}  // namespace common::async
