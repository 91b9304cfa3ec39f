#include "common/mcp/live_sessions.hpp"

namespace common::mcp {
namespace {

// News that a client may have lost with its connection.
constexpr std::size_t sent_max = 64;

}  // namespace

live_session::live_session(std::string tag, proto::principal who, std::array<bool, 3> lists)
    : tag_(std::move(tag)), changes_(std::make_shared<watcher>(std::move(who), watch_filter{lists, {}, {}})) {}

std::size_t live_session::note_sent(const news& what) {
    const std::lock_guard lock(mutex_);
    sent_.emplace_back(++last_sent_, what);
    if (sent_.size() > sent_max) sent_.pop_front();
    return last_sent_;
}

std::size_t live_session::sent() const {
    const std::lock_guard lock(mutex_);
    return last_sent_;
}

void live_session::offer_again(std::size_t seen) {
    const std::lock_guard lock(mutex_);
    const std::size_t known_after = last_sent_ - sent_.size();
    if (seen < known_after || seen > last_sent_) return changes_->offer_everything();
    for (const auto& [number, what] : sent_) {
        if (number > seen) changes_->offer(what, {});
    }
}

std::shared_ptr<live_session> live_sessions::find(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(name);
    return found == sessions_.end() ? nullptr : found->second.session;
}

std::shared_ptr<live_session> live_sessions::keep(const std::string& name, const std::shared_ptr<live_session>& made) {
    const std::lock_guard lock(mutex_);
    if (const auto found = sessions_.find(name); found != sessions_.end()) return found->second.session;
    by_age_.push_back(name);
    sessions_.emplace(name, entry{made, std::prev(by_age_.end())});
    if (sessions_.size() > sessions_max_) {
        const std::string oldest = by_age_.front();
        remove(oldest);
    }
    return made;
}

void live_sessions::forget(const std::string& name) {
    const std::lock_guard lock(mutex_);
    remove(name);
}

void live_sessions::remove(const std::string& name) {
    const auto found = sessions_.find(name);
    if (found == sessions_.end()) return;
    found->second.session->changes()->end();
    feed_.remove(found->second.session->changes());
    by_age_.erase(found->second.age);
    sessions_.erase(found);
}

change_feed::refusal live_sessions::connect(const std::shared_ptr<watcher>& one) {
    const std::lock_guard lock(mutex_);
    change_feed::refusal refused = feed_.add(one);
    if (refused == change_feed::refusal::none) return refused;
    const bool is_theirs = refused == change_feed::refusal::principal_has_too_many;
    if (forget_idle(is_theirs ? one->who().key() : std::string())) refused = feed_.add(one);
    return refused;
}

bool live_sessions::forget_idle(const std::string& principal_key) {
    for (const std::string& name : by_age_) {
        const watcher& one = *sessions_.at(name).session->changes();
        const bool is_meant = principal_key.empty() || one.who().key() == principal_key;
        if (!is_meant || one.has_reader() || !feed_.has(one)) continue;
        const std::string chosen = name;
        remove(chosen);
        return true;
    }
    return false;
}

}  // namespace common::mcp
