#include "common/mcp/ended_sessions.hpp"

namespace common::mcp {

void ended_sessions::add(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (names_max_ == 0 || !names_.insert(name).second) return;
    by_age_.push_back(name);
    if (by_age_.size() <= names_max_) return;
    names_.erase(by_age_.front());
    by_age_.pop_front();
}

bool ended_sessions::contains(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return names_.contains(name);
}

}  // namespace common::mcp
