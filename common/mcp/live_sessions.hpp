// What a process remembers of sessions of the eras that had them: only what a client has set in it, its log level, its
// subscriptions and the stream that carries their news. A session needs none of this to work, and one that is forgotten,
// by a restart or since there are too many, goes on with the defaults. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "common/mcp/call_reply.hpp"
#include "common/mcp/change_feed.hpp"

namespace common::mcp {

class live_session {
public:
    // `tag` is new for every such object: a stream's event ids carry it.
    live_session(std::string tag, proto::principal who, std::array<bool, 3> lists);

    const std::string& tag() const { return tag_; }
    const std::shared_ptr<watcher>& changes() const { return changes_; }

    log_level log_from() const { return log_from_.load(); }
    void log_from(log_level level) { log_from_.store(level); }

    // The news is going out: its number on the stream, from 1.
    std::size_t note_sent(const news& what);
    std::size_t sent() const;
    // The client has seen the stream up to that number: what came after is offered again.
    void offer_again(std::size_t seen);

private:
    const std::string tag_;
    const std::shared_ptr<watcher> changes_;
    std::atomic<log_level> log_from_{log_level::info};
    mutable std::mutex mutex_;
    std::size_t last_sent_ = 0;
    std::deque<std::pair<std::size_t, news>> sent_;
};

class live_sessions {
public:
    live_sessions(std::size_t sessions_max, change_feed& feed) : sessions_max_(sessions_max), feed_(feed) {}

    std::shared_ptr<live_session> find(const std::string& name) const;
    // The one there is, else `made`.
    std::shared_ptr<live_session> keep(const std::string& name, const std::shared_ptr<live_session>& made);
    void forget(const std::string& name);

    // Lets news flow to it. Sessions whose stream nobody reads make room for it.
    change_feed::refusal connect(const std::shared_ptr<watcher>& one);

private:
    struct entry {
        std::shared_ptr<live_session> session;
        std::list<std::string>::iterator age;
    };

    void remove(const std::string& name);
    bool forget_idle(const std::string& principal_key);

    const std::size_t sessions_max_;
    change_feed& feed_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, entry> sessions_;
    std::list<std::string> by_age_;  // the oldest first
};

}  // namespace common::mcp
