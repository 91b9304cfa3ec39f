// How long to wait before the next attempt: full jitter (a random part of a bound that doubles), so that a fleet that
// lost its hub does not come back in one moment. A value without clock or I/O; not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

namespace common::async {

struct backoff_options {
    std::chrono::milliseconds first{1000};          // the bound of the first wait
    std::chrono::milliseconds max{60000};           // no bound grows beyond it
    std::chrono::milliseconds stable_after{60000};  // a connection that lived this long forgets earlier failures
};

class backoff {
public:
    using clock = std::chrono::steady_clock;

    // `random` gives numbers in [0, 1).
    backoff(backoff_options options, std::function<double()> random);

    // The wait before the next attempt, in [0, min(max, first · 2^failures)].
    std::chrono::milliseconds next();

    void connected(clock::time_point now);
    // Starts over if the connection had been stable.
    void disconnected(clock::time_point now);

private:
    backoff_options options_;
    std::function<double()> random_;
    std::chrono::milliseconds bound_;
    std::optional<clock::time_point> connected_at_;
};

}  // namespace common::async
