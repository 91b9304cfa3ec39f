#include "common/async/backoff.hpp"

#include <algorithm>

namespace common::async {

backoff::backoff(backoff_options options, std::function<double()> random)
    : options_(options), random_(std::move(random)), bound_(std::min(options.first, options.max)) {}

std::chrono::milliseconds backoff::next() {
    const double part = std::clamp(random_(), 0.0, 1.0);
    const auto wait = std::chrono::milliseconds(
        static_cast<std::chrono::milliseconds::rep>(part * static_cast<double>(bound_.count())));
    bound_ = bound_ > options_.max / 2 ? options_.max : bound_ * 2;
    return wait;
}

void backoff::connected(clock::time_point now) { connected_at_ = now; }

void backoff::disconnected(clock::time_point now) {
    if (connected_at_ && now - *connected_at_ >= options_.stable_after) bound_ = std::min(options_.first, options_.max);
    connected_at_.reset();
}

}  // namespace common::async
