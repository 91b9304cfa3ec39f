#include "common/mcp/change_feed.hpp"

#include <algorithm>
#include <utility>

namespace common::mcp {

bool watcher::watch_resource(std::string_view uri, std::size_t watched_max) {
    const std::lock_guard lock(mutex_);
    if (filter_.resources.contains(uri)) return true;
    if (filter_.resources.size() >= watched_max) return false;
    filter_.resources.emplace(uri);
    return true;
}

void watcher::forget_resource(std::string_view uri) {
    const std::lock_guard lock(mutex_);
    const auto found = filter_.resources.find(uri);
    if (found == filter_.resources.end()) return;
    filter_.resources.erase(found);
    std::erase_if(pending_, [&](const news& one) { return one.about == news::subject::resource && one.name == uri; });
}

void watcher::offer(const news& what, std::string_view workspace_id) {
    if (!workspace_id.empty() && workspace_id != who_.workspace_id) return;
    const std::lock_guard lock(mutex_);
    if (wants(what)) add(what);
}

void watcher::offer_everything() {
    const std::lock_guard lock(mutex_);
    for (const list_kind kind : {list_kind::tools, list_kind::prompts, list_kind::resources}) {
        const news what{news::subject::list, kind, {}};
        if (wants(what)) add(what);
    }
    for (const std::string& uri : filter_.resources) add({news::subject::resource, {}, uri});
}

bool watcher::wants(const news& what) const {
    switch (what.about) {
        case news::subject::list:
            return filter_.lists.at(static_cast<std::size_t>(what.list));
        case news::subject::resource:
            return filter_.resources.contains(what.name);
        case news::subject::task:
            return filter_.tasks.contains(what.name);
    }
    return false;
}

void watcher::add(const news& what) {
    if (std::ranges::find(pending_, what) != pending_.end()) return;
    pending_.push_back(what);
    if (on_change_) on_change_();
}

std::vector<news> watcher::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(pending_, {});
}

std::size_t watcher::set_reader(std::function<void()> on_change) {
    const std::lock_guard lock(mutex_);
    if (on_change_) on_change_();  // the one before has to go
    on_change_ = std::move(on_change);
    return ++readers_;
}

bool watcher::is_current(std::size_t reader) const {
    const std::lock_guard lock(mutex_);
    return reader == readers_;
}

bool watcher::has_reader() const {
    const std::lock_guard lock(mutex_);
    return static_cast<bool>(on_change_);
}

void watcher::leave(std::size_t reader) {
    const std::lock_guard lock(mutex_);
    if (reader == readers_) on_change_ = nullptr;
}

void watcher::end() {
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    if (on_change_) on_change_();
}

bool watcher::is_ended() const {
    const std::lock_guard lock(mutex_);
    return is_ended_;
}

change_feed::refusal change_feed::add(const std::shared_ptr<watcher>& one) {
    const std::lock_guard lock(mutex_);
    if (watchers_.contains(one.get())) return refusal::none;
    if (watchers_.size() >= watchers_max_) return refusal::too_many;
    std::size_t& theirs = per_principal_[one->who().key()];
    if (theirs >= per_principal_max_) return refusal::principal_has_too_many;
    ++theirs;
    watchers_.emplace(one.get(), one);
    return refusal::none;
}

bool change_feed::has(const watcher& one) const {
    const std::lock_guard lock(mutex_);
    return watchers_.contains(&one);
}

void change_feed::remove(const std::shared_ptr<watcher>& one) {
    const std::lock_guard lock(mutex_);
    if (watchers_.erase(one.get()) == 0) return;
    const auto theirs = per_principal_.find(one->who().key());
    if (--theirs->second == 0) per_principal_.erase(theirs);
}

void change_feed::end_of(const std::function<bool(const proto::principal&)>& of_whom) {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, one] : watchers_) {
        if (of_whom(one->who())) one->end();
    }
}

void change_feed::list_changed(list_kind which, std::string_view workspace_id) {
    offer({news::subject::list, which, {}}, workspace_id);
}

void change_feed::resource_updated(std::string_view uri, std::string_view workspace_id) {
    offer({news::subject::resource, {}, std::string(uri)}, workspace_id);
}

void change_feed::task_changed(std::string_view task_id) { offer({news::subject::task, {}, std::string(task_id)}, {}); }

void change_feed::offer(const news& what, std::string_view workspace_id) {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, one] : watchers_) one->offer(what, workspace_id);
}

}  // namespace common::mcp
