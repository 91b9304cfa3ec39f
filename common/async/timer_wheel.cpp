#include "common/async/timer_wheel.hpp"

#include <algorithm>
#include <cassert>

namespace common::async {

void timer_wheel::link::unlink() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
}

void timer_wheel::link::insert_before(link& position) {
    previous = position.previous;
    next = &position;
    previous->next = this;
    position.previous = this;
}

timer_wheel::timer::~timer() {
    if (wheel_ && wheel_->firing_ == this) wheel_->firing_ = nullptr;
    unlink();
}

void timer_wheel::timer::cancel() {
    unlink();
    if (wheel_ && wheel_->firing_ != this) wheel_ = nullptr;
}

timer_wheel::timer_wheel(std::chrono::milliseconds resolution, std::size_t slots, clock::time_point now)
    : resolution_(std::max(resolution, std::chrono::milliseconds(1))),
      start_(now),
      slots_(std::max<std::size_t>(slots, 1)) {}

timer_wheel::~timer_wheel() {
    for (auto& slot : slots_) {
        while (slot.linked()) static_cast<timer*>(slot.next)->cancel();
    }
}

std::uint64_t timer_wheel::ticks_at(clock::time_point when, bool round_up) const {
    if (when <= start_) return 0;
    const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(when - start_).count();
    const auto tick = std::chrono::duration_cast<std::chrono::nanoseconds>(resolution_).count();
    return static_cast<std::uint64_t>(since / tick) + (round_up && since % tick != 0 ? 1 : 0);
}

void timer_wheel::arm(timer& t, clock::time_point due) {
    t.unlink();
    t.wheel_ = this;
    // Never into the slot that has just been processed: it would wait for a whole round.
    t.due_ = std::max(ticks_at(due, true), now_ + 1);
    t.insert_before(slots_[t.due_ % slots_.size()]);
}

void timer_wheel::tick(clock::time_point now) {
    assert(firing_ == nullptr);
    const auto target = ticks_at(now, false);
    if (target <= now_) return;
    // After a long pause each slot is looked at once, not once for every round that was missed.
    const auto steps = std::min<std::uint64_t>(target - now_, slots_.size());
    const auto first = target - steps + 1;
    now_ = target;
    for (auto step = first; step <= target; ++step) {
        auto& slot = slots_[step % slots_.size()];
        // Taken out first: callbacks may arm timers into this very slot.
        link pending;
        while (slot.linked()) {
            auto& item = *slot.next;
            item.unlink();
            item.insert_before(pending);
        }
        while (pending.linked()) {
            auto& item = *static_cast<timer*>(pending.next);
            item.unlink();
            if (item.due_ > now_) {
                item.insert_before(slot);
            } else {
                fire(item);
            }
        }
    }
}

void timer_wheel::fire(timer& t) {
    // The callback may destroy its timer, so it runs outside of it and goes back only if the timer is still there.
    auto callback = std::move(t.callback_);
    firing_ = &t;
    callback();
    if (firing_ == &t) {
        t.callback_ = std::move(callback);
        if (!t.linked()) t.wheel_ = nullptr;
    }
    firing_ = nullptr;
}

}  // namespace common::async
