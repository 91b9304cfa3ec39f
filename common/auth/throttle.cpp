#include "common/auth/throttle.hpp"

#include <algorithm>

namespace common::auth {

std::optional<std::chrono::milliseconds> throttle::attempt(const std::string& key, time_point now) {
    auto found = keys_.find(key);
    if (found == keys_.end()) {
        make_room(now);
        found = keys_.emplace(key, state{.since = now}).first;
    }
    state& s = found->second;
    const auto window = window_of(s);
    if (now - s.since >= window) {
        const bool used_up = s.attempts >= options_.attempts_max;
        // As long again without an attempt, and the past is forgotten.
        const bool calm = now - s.since >= 2 * window || !used_up;
        s = {0, calm ? 0 : std::min(s.doublings + 1, options_.doublings_max), now};
    }
    if (s.attempts >= options_.attempts_max)
        return std::chrono::ceil<std::chrono::milliseconds>(s.since + window_of(s) - now);
    ++s.attempts;
    return std::nullopt;
}

int throttle::attempts(const std::string& key) const {
    const auto found = keys_.find(key);
    return found == keys_.end() ? 0 : found->second.attempts;
}

void throttle::take_back(const std::string& key) {
    const auto found = keys_.find(key);
    if (found != keys_.end() && found->second.attempts > 0) --found->second.attempts;
}

void throttle::make_room(time_point now) {
    if (keys_.size() < options_.keys_max) return;
    std::erase_if(keys_, [&](const auto& entry) { return now - entry.second.since >= 2 * window_of(entry.second); });
    if (keys_.size() < options_.keys_max) return;
    keys_.erase(std::ranges::min_element(keys_, {}, [](const auto& entry) { return entry.second.since; }));
}

}  // namespace common::auth
