// The events table: writing a group, reading pages. Inside a transaction of log.db; on failure the connection throws.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/events/log.hpp"
#include "common/db/database.hpp"

namespace agent::events {

// 0 if there is none.
std::int64_t last_event_seq(common::db::connection& c);

// Gives the event the seq and the next ordinal of its session.
void insert_event(common::db::connection& c, const new_event& e, std::int64_t seq, std::int64_t at_ms);

struct page_limit {
    int events = 0;
    std::size_t bytes = 0;  // of bodies; one event may exceed it alone
};

page read_page(common::db::connection& c, const filter& f, std::int64_t after, page_limit limit);

// Positions in one session, both included.
struct ordinal_range {
    std::int64_t first = 0;
    std::int64_t last = INT64_MAX;
    bool newest_first = true;
};

struct history_page {
    std::vector<event> events;
    bool has_more = false;   // beyond the last of them, in the order asked for
    std::int64_t count = 0;  // of all the session's events
};

// The stored events of a session in that range, of these types (none: all).
history_page read_history_page(common::db::connection& c, const filter& f, const ordinal_range& range,
                               page_limit limit);

std::optional<std::int64_t> turn_start_seq(common::db::connection& c, std::string_view session_id);

std::int64_t last_seq_before(common::db::connection& c, std::int64_t at_ms);

// The seqs of the session's newest `count` message.created events, oldest first.
std::vector<std::int64_t> newest_message_seqs(common::db::connection& c, std::string_view session_id,
                                              std::int64_t count);

// The table `meta`.
std::optional<std::string> find_meta(common::db::connection& c, std::string_view name);
void set_meta(common::db::connection& c, std::string_view name, std::string_view value);

}  // namespace agent::events
