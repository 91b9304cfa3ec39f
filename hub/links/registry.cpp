#include "hub/links/registry.hpp"

#include <algorithm>

#include <utility>

namespace hub::links {

std::shared_ptr<link> registry::add(std::shared_ptr<link> one) {
    const auto& id = one->machine().machine().machine_id;
    const auto older = find(id);
    if (older && older->machine().epoch() > one->machine().epoch()) return one;
    if (older) remove(*older);
    by_workspace_[one->workspace_id].insert_or_assign(id, one);
    links_.insert_or_assign(id, std::move(one));
    changed_.notify_all();
    return older;
}

void registry::remove(const link& gone) {
    const auto found = links_.find(gone.machine().machine().machine_id);
    if (found == links_.end() || found->second.get() != &gone) return;
    if (const auto place = by_workspace_.find(gone.workspace_id); place != by_workspace_.end()) {
        place->second.erase(found->first);
        if (place->second.empty()) by_workspace_.erase(place);
    }
    links_.erase(found);
}

std::shared_ptr<link> registry::find(std::string_view machine_id) const {
    const auto found = links_.find(machine_id);
    return found == links_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<link>> registry::of_workspace(std::string_view workspace_id) const {
    std::vector<std::shared_ptr<link>> found;
    if (const auto place = by_workspace_.find(workspace_id); place != by_workspace_.end())
        for (const auto& [id, one] : place->second) found.push_back(one);
    return found;
}

boost::asio::awaitable<std::shared_ptr<link>> registry::wait_for(std::string machine_id,
                                                                 std::chrono::steady_clock::time_point deadline) {
    for (;;) {
        if (auto found = find(machine_id)) co_return found;
        if (stopping_) co_return nullptr;
        const bool notified = co_await changed_.wait_until(deadline);
        if (!notified) co_return nullptr;
    }
}

boost::asio::awaitable<void> registry::wait_for_any(std::vector<std::string> workspace_ids,
                                                    std::chrono::steady_clock::time_point deadline) {
    const auto is_up = [this](const std::string& id) { return by_workspace_.contains(id); };
    while (!stopping_ && std::ranges::none_of(workspace_ids, is_up)) {
        const bool notified = co_await changed_.wait_until(deadline);
        if (!notified) co_return;
    }
}

void registry::stop_waiting() {
    stopping_ = true;
    changed_.notify_all();
}

}  // namespace hub::links
