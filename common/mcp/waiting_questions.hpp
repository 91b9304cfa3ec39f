// Requests that we have sent to clients of the eras in which servers could, and whose answers come as POSTs of their own:
// on another connection, another thread, perhaps another replica. A question's id on the wire is sealed for the principal
// and names the replica that waits. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/mcp/engine.hpp"

namespace common::mcp {

class waiting_questions {
public:
    // The raw result; empty if the client answered with an error.
    using taker = std::function<void(std::string result)>;

    explicit waiting_questions(std::size_t questions_max) : questions_max_(questions_max) {}

    // Holds the question's place until it goes; after that its taker is not called any more.
    class ticket {
    public:
        ticket(waiting_questions& owner, std::string name, std::string id)
            : owner_(&owner), name_(std::move(name)), id_(std::move(id)) {}
        ticket(ticket&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), name_(std::move(other.name_)), id_(std::move(other.id_)) {}
        ticket& operator=(ticket&&) = delete;
        ~ticket() {
            if (owner_) owner_->remove(name_);
        }
        // The JSON-RPC id, raw.
        const std::string& id() const { return id_; }

    private:
        waiting_questions* owner_;
        std::string name_;
        std::string id_;
    };

    // `take` is called at most once, from any thread. Nullopt when too many wait.
    std::optional<ticket> add(const engine_options& options, std::string_view principal_key, taker take);

    // What a client posted. Whatever is not an answer to a question for this principal is dropped.
    void answer(const engine_options& options, std::string_view principal_key, std::string_view raw_id,
                std::string_view result);
    bool answer_here(const std::string& name, std::string_view result);

private:
    void remove(const std::string& name);

    const std::size_t questions_max_;
    std::mutex mutex_;
    std::unordered_map<std::string, taker> questions_;
};

}  // namespace common::mcp
