// The tool calls that are running, by who may cancel them: notifications/cancelled arrives as an exchange of its own,
// possibly on another thread. Only calls of this process are known: a cancellation that reaches another replica ends
// nothing, and the call then ends with its own deadline. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "proto/principal.hpp"

namespace common::mcp {

class calls_in_flight {
    struct entry {
        std::size_t number;
        proto::principal who;
        std::function<void()> cancel;
    };
    using entries = std::unordered_multimap<std::string, entry>;

public:
    explicit calls_in_flight(std::size_t calls_max) : calls_max_(calls_max) {}

    // Holds the call's place; releases it when it goes.
    class ticket {
    public:
        ticket(calls_in_flight& owner, std::string key, std::size_t number)
            : owner_(&owner), key_(std::move(key)), number_(number) {}
        ticket(ticket&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)), number_(other.number_) {}
        ticket& operator=(ticket&&) = delete;
        ~ticket() {
            if (owner_) owner_->remove(key_, number_);
        }

    private:
        calls_in_flight* owner_;
        std::string key_;
        std::size_t number_;
    };

    // `scope` names the session, or the principal where there is none; `id` is the raw JSON-RPC id. `cancel` is called
    // from any thread, at most once per cancellation, never after the ticket has gone. Nullopt when full.
    std::optional<ticket> add(const std::string& scope, std::string_view id, const proto::principal& who,
                              std::function<void()> cancel);

    // Cancels the one call of that scope and id. Where two clients without a session use the same id at once, nothing is
    // cancelled: better to let a call run than to end a stranger's.
    bool cancel(const std::string& scope, std::string_view id);
    // Cancels all calls of those principals.
    void cancel_of(const std::function<bool(const proto::principal&)>& of_whom);

private:
    void remove(const std::string& key, std::size_t number);

    const std::size_t calls_max_;
    std::mutex mutex_;
    entries calls_;
    std::size_t next_number_ = 0;
};

}  // namespace common::mcp
