// The ephemeral events (message.part.delta) of sessions, in memory only: bounded per session and in all, given up as
// soon as the part is complete. Each has a position of its own, so that a reader gets it once. Used on one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "agent/events/log.hpp"

namespace agent::events {

class live_ring {
public:
    // Positions go on from `first`: choose one above those of earlier runs.
    explicit live_ring(std::int64_t first) : last_(first) {}

    // `anchor`: the seq of the durable event before it.
    void push(new_event e, std::int64_t anchor, std::int64_t at_ms);

    void forget_part(std::string_view session_id, std::string_view part_id);
    void forget_session(std::string_view session_id);

    // Mixes into the page, by seq, what lies after f.ephemeral_after and is no newer than page.next_seq; sets
    // page.next_ephemeral.
    void mix_into(page& p, const filter& f, std::int64_t after) const;

    std::int64_t last() const { return last_; }
    std::size_t bytes() const { return bytes_; }

private:
    struct entry {
        std::int64_t position = 0;
        std::string part_id;
        event what;  // what.seq is the anchor
        std::size_t size() const { return what.body.size() + what.type.size() + part_id.size() + sizeof(entry); }
    };
    struct ring {
        std::deque<entry> entries;
        std::size_t bytes = 0;
    };

    void drop_front(ring& r);
    void make_room();

    std::map<std::string, ring, std::less<>> sessions_;
    std::size_t bytes_ = 0;
    std::int64_t last_;
};

}  // namespace agent::events
