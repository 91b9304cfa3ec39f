// News of lists, resources and tasks on their way from the back end to the streams that clients hold open. A watcher keeps
// what its reader has not taken yet, each thing once, so it is bounded by what is watched. Thread-safe.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/mcp/change_listener.hpp"
#include "proto/principal.hpp"

namespace common::mcp {

// What has changed.
struct news {
    enum class subject : std::uint8_t { list, resource, task };
    subject about = subject::list;
    list_kind list = list_kind::tools;
    std::string name;  // the resource's URI or the task's id

    auto operator<=>(const news&) const = default;
};

struct watch_filter {
    std::array<bool, 3> lists{};  // by list_kind
    std::set<std::string, std::less<>> resources;
    std::set<std::string, std::less<>> tasks;
};

class watcher {
public:
    watcher(proto::principal who, watch_filter filter) : who_(std::move(who)), filter_(std::move(filter)) {}

    const proto::principal& who() const { return who_; }

    // False: that many are watched already.
    bool watch_resource(std::string_view uri, std::size_t watched_max);
    void forget_resource(std::string_view uri);

    void offer(const news& what, std::string_view workspace_id);
    void offer_everything();  // that is watched, tasks aside: nobody knows what was missed
    // What came since the last take(), the oldest first.
    std::vector<news> take();

    // Called from any thread when there is something to take or the stream has to end.
    std::size_t set_reader(std::function<void()> on_change);
    bool is_current(std::size_t reader) const;
    bool has_reader() const;
    void leave(std::size_t reader);

    void end();
    bool is_ended() const;

private:
    bool wants(const news& what) const;
    void add(const news& what);

    const proto::principal who_;
    mutable std::mutex mutex_;
    watch_filter filter_;
    std::vector<news> pending_;
    std::size_t readers_ = 0;
    std::function<void()> on_change_;
    bool is_ended_ = false;
};

class change_feed final : public change_listener {
public:
    change_feed(std::size_t watchers_max, std::size_t per_principal_max)
        : watchers_max_(watchers_max), per_principal_max_(per_principal_max) {}

    enum class refusal : std::uint8_t { none, principal_has_too_many, too_many };
    // The feed holds it until remove(). Adding it twice is adding it once.
    refusal add(const std::shared_ptr<watcher>& one);
    bool has(const watcher& one) const;
    void remove(const std::shared_ptr<watcher>& one);
    void end_of(const std::function<bool(const proto::principal&)>& of_whom);

    void list_changed(list_kind which, std::string_view workspace_id) override;
    void resource_updated(std::string_view uri, std::string_view workspace_id) override;
    void task_changed(std::string_view task_id) override;

private:
    void offer(const news& what, std::string_view workspace_id);

    const std::size_t watchers_max_;
    const std::size_t per_principal_max_;
    mutable std::mutex mutex_;
    std::unordered_map<const watcher*, std::shared_ptr<watcher>> watchers_;
    std::unordered_map<std::string, std::size_t> per_principal_;
};

}  // namespace common::mcp
