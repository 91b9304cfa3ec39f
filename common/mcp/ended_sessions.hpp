// Sessions that a client has ended by DELETE, so that their ids open no more. Bounded: the oldest are forgotten first,
// and an id that was forgotten, or that another replica sees, works again. That is harmless, since an id gives no right.
// Thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_set>

namespace common::mcp {

class ended_sessions {
public:
    explicit ended_sessions(std::size_t names_max) : names_max_(names_max) {}

    void add(const std::string& name);
    bool contains(const std::string& name) const;

private:
    const std::size_t names_max_;
    mutable std::mutex mutex_;
    std::unordered_set<std::string> names_;
    std::deque<std::string> by_age_;
};

}  // namespace common::mcp
