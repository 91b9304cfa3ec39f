// Transcript records as CodeZ's messages: lines of one API message joined, tool results joined with their calls.
// Keeps the newest within bounds. Ids are the same as those of the live events: claude's message id, the prompt's
// uuid, a tool part by its tool_use id, others "<message id>:<index>". Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/history/record.hpp"

namespace agent::history {

class message_list {
public:
    message_list(std::string session_id, std::size_t messages_max, std::size_t bytes_max)
        : session_id_(std::move(session_id)), messages_max_(messages_max), bytes_max_(bytes_max) {}

    void see(const record& r);

    bool dropped() const { return dropped_; }
    std::vector<std::string> json() const;

private:
    struct message {
        std::string id;
        std::string_view role;
        std::string model;
        std::int64_t created = 0;
        std::int64_t updated = 0;
        std::size_t blocks = 0;          // seen of it, each has an index
        std::vector<std::string> parts;  // raw JSON
        std::size_t bytes = 256;         // about
    };
    struct open_tool {
        std::weak_ptr<message> where;
        std::size_t part = 0;
        std::string head;  // the part's text up to its state
    };

    void see_assistant(const record& r);
    void see_user(const record& r);
    void see_system(const record& r);
    void add_block(const std::shared_ptr<message>& m, simdjson::dom::element block);
    bool join_result(simdjson::dom::element block, std::int64_t at_ms);

    std::shared_ptr<message> make(std::string_view id, std::string_view role, std::int64_t at_ms) const;
    void keep(const std::shared_ptr<message>& m);
    void add_part(message& m, std::string part);
    void drop_beyond_bounds();

    std::string session_id_;
    std::size_t messages_max_;
    std::size_t bytes_max_;
    std::deque<std::shared_ptr<message>> messages_;
    std::unordered_map<std::string, std::weak_ptr<message>> by_id_;
    std::unordered_map<std::string, open_tool> tools_;
    std::size_t bytes_ = 0;
    bool dropped_ = false;
};

}  // namespace agent::history
