#include "common/mcp/calls_in_flight.hpp"

#include <utility>

namespace common::mcp {
namespace {

// A scope holds no newline, and neither does a raw id.
std::string key_of(const std::string& scope, std::string_view id) { return scope + '\n' + std::string(id); }

}  // namespace

std::optional<calls_in_flight::ticket> calls_in_flight::add(const std::string& scope, std::string_view id,
                                                            const proto::principal& who, std::function<void()> cancel) {
    std::string key = key_of(scope, id);
    const std::lock_guard lock(mutex_);
    if (calls_.size() >= calls_max_) return std::nullopt;
    const std::size_t number = next_number_++;
    calls_.emplace(key, entry{number, who, std::move(cancel)});
    return std::optional<ticket>(std::in_place, *this, std::move(key), number);
}

bool calls_in_flight::cancel(const std::string& scope, std::string_view id) {
    const std::string key = key_of(scope, id);
    const std::lock_guard lock(mutex_);
    const auto [first, last] = calls_.equal_range(key);
    if (first == last || std::next(first) != last) return false;
    // Under the lock, so that the call cannot have ended meanwhile; the function only posts.
    first->second.cancel();
    return true;
}

void calls_in_flight::cancel_of(const std::function<bool(const proto::principal&)>& of_whom) {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, one] : calls_) {
        if (of_whom(one.who)) one.cancel();
    }
}

void calls_in_flight::remove(const std::string& key, std::size_t number) {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = calls_.equal_range(key);
    for (auto it = first; it != last; ++it) {
        if (it->second.number != number) continue;
        calls_.erase(it);
        return;
    }
}

}  // namespace common::mcp
