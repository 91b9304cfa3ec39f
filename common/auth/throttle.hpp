// How often something may be tried: so many attempts in a window of time, and each window that was used up doubles the next
// one. In memory and bounded: with more keys than it holds, the one whose window began first is forgotten. Time is given;
// no I/O. Not thread-safe: one executor.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

namespace common::auth {

struct throttle_options {
    int attempts_max = 5;
    std::chrono::milliseconds window{std::chrono::minutes(15)};
    int doublings_max = 5;  // the longest window is `window` times two to that power
    std::size_t keys_max = 10'000;
};

class throttle {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit throttle(throttle_options options = {}) : options_(options) {}

    // Counts an attempt before it is made, so that many at once are no way around; an attempt that is refused counts
    // nothing. The answer is how long to wait; nullopt: go on.
    std::optional<std::chrono::milliseconds> attempt(const std::string& key, time_point now);
    // The attempt was no failure after all.
    void take_back(const std::string& key);
    // How many count in the window that began last.
    int attempts(const std::string& key) const;
    // Who has proven to be the right one begins anew.
    void forget(const std::string& key) { keys_.erase(key); }

    std::size_t size() const { return keys_.size(); }

private:
    struct state {
        int attempts = 0;
        int doublings = 0;
        time_point since;
    };

    std::chrono::milliseconds window_of(const state& s) const { return options_.window * (1 << s.doublings); }
    void make_room(time_point now);

    throttle_options options_;
    std::unordered_map<std::string, state> keys_;
};

}  // namespace common::auth
