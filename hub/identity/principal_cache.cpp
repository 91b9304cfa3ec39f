#include "hub/identity/principal_cache.hpp"

#include <utility>

namespace hub::identity {

std::optional<verified> principal_cache::table::find(const std::string& hash, time_point now) const {
    const auto found = entries_.find(hash);
    if (found == entries_.end() || found->second.until <= now) return std::nullopt;
    return found->second.answer;
}

void principal_cache::table::put(const std::string& hash, verified answer, time_point until, time_point now,
                                 std::size_t entries_max) {
    while (!oldest_first_.empty() && (oldest_first_.front().second <= now || oldest_first_.size() >= entries_max)) {
        const auto found = entries_.find(oldest_first_.front().first);
        if (found != entries_.end() && found->second.until == oldest_first_.front().second) entries_.erase(found);
        oldest_first_.pop_front();
    }
    entries_.insert_or_assign(hash, entry{std::move(answer), until});
    oldest_first_.emplace_back(hash, until);
}

void principal_cache::table::erase_client(std::string_view client_id) {
    std::erase_if(entries_,
                  [&](const auto& e) { return e.second.answer.who && e.second.answer.who->client_id == client_id; });
}

void principal_cache::table::clear() {
    entries_.clear();
    oldest_first_.clear();
}

principal_cache::principal_cache(std::size_t entries_max, std::chrono::milliseconds ttl)
    : entries_max_(entries_max), ttl_(ttl) {}

std::optional<verified> principal_cache::find(const std::string& hash, time_point now) const {
    const std::lock_guard lock(mutex_);
    if (auto good = good_.find(hash, now)) return good;
    return bad_.find(hash, now);
}

std::uint64_t principal_cache::generation() const {
    const std::lock_guard lock(mutex_);
    return generation_;
}

void principal_cache::put(const std::string& hash, verified answer, std::uint64_t generation, time_point now) {
    const std::lock_guard lock(mutex_);
    if (generation != generation_) return;
    auto& table = table_for(answer);
    table.put(hash, std::move(answer), now + ttl_, now, entries_max_);
}

void principal_cache::invalidate(std::string_view client_id) {
    const std::lock_guard lock(mutex_);
    ++generation_;
    good_.erase_client(client_id);
}

void principal_cache::invalidate_all() {
    const std::lock_guard lock(mutex_);
    ++generation_;
    good_.clear();
    bad_.clear();
}

}  // namespace hub::identity
