#include "hub/links/registry.hpp"

#include <utility>

namespace hub::links {

std::shared_ptr<link> registry::add(std::shared_ptr<link> newest) {
    auto& place = links_[newest->machine().machine().machine_id];
    auto older = std::exchange(place, std::move(newest));
    changed_.notify_all();
    return older;
}

void registry::remove(const link& gone) {
    const auto found = links_.find(gone.machine().machine().machine_id);
    if (found != links_.end() && found->second.get() == &gone) links_.erase(found);
}

std::shared_ptr<link> registry::find(std::string_view machine_id) const {
    const auto found = links_.find(machine_id);
    return found == links_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<link>> registry::of_workspace(std::string_view workspace_id) const {
    std::vector<std::shared_ptr<link>> found;
    for (const auto& [id, one] : links_)
        if (one->workspace_id == workspace_id) found.push_back(one);
    return found;
}

std::vector<std::shared_ptr<link>> registry::all() const {
    std::vector<std::shared_ptr<link>> found;
    for (const auto& [id, one] : links_) found.push_back(one);
    return found;
}

boost::asio::awaitable<std::shared_ptr<link>> registry::wait_for(std::string machine_id,
                                                                 std::chrono::steady_clock::time_point deadline) {
    for (;;) {
        if (auto found = find(machine_id)) co_return found;
        const bool notified = co_await changed_.wait_until(deadline);
        if (!notified) co_return nullptr;
    }
}

}  // namespace hub::links
