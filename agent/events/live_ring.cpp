#include "agent/events/live_ring.hpp"

#include <algorithm>
#include <iterator>

#include "agent/events/part_id.hpp"
#include "proto/limits.hpp"

namespace agent::events {

namespace {

constexpr std::size_t entries_max = 4096;  // per session; the rest of the bound is bytes
constexpr std::size_t all_bytes_max = 16 * proto::limits::delta_ring_bytes_max;

}  // namespace

void live_ring::push(new_event e, std::int64_t anchor, std::int64_t at_ms) {
    entry item{.position = ++last_,
               .part_id = part_id_of_delta(e.body),
               .what = {.seq = anchor,
                        .ordinal = -1,
                        .at_ms = at_ms,
                        .session_id = std::move(e.session_id),
                        .type = std::move(e.type),
                        .body = std::move(e.body)}};
    const auto place = sessions_.try_emplace(item.what.session_id).first;
    ring& r = place->second;
    // A batch that failed may have made an earlier anchor too high: the order of the ring stays.
    if (!r.entries.empty()) item.what.seq = std::max(item.what.seq, r.entries.back().what.seq);
    r.bytes += item.size();
    bytes_ += item.size();
    r.entries.push_back(std::move(item));
    while (!r.entries.empty() && (r.entries.size() > entries_max || r.bytes > proto::limits::delta_ring_bytes_max))
        drop_front(r);
    if (r.entries.empty()) sessions_.erase(place);
    make_room();
}

void live_ring::drop_front(ring& r) {
    r.bytes -= r.entries.front().size();
    bytes_ -= r.entries.front().size();
    r.entries.pop_front();
}

void live_ring::make_room() {
    while (bytes_ > all_bytes_max) {
        const auto oldest = std::ranges::min_element(sessions_, {}, [](const auto& s) {
            return s.second.entries.empty() ? INT64_MAX : s.second.entries.front().position;
        });
        drop_front(oldest->second);
        if (oldest->second.entries.empty()) sessions_.erase(oldest);
    }
}

void live_ring::forget_part(std::string_view session_id, std::string_view part_id) {
    const auto found = sessions_.find(session_id);
    if (found == sessions_.end()) return;
    ring& r = found->second;
    std::erase_if(r.entries, [&](const entry& e) {
        if (e.part_id != part_id) return false;
        r.bytes -= e.size();
        bytes_ -= e.size();
        return true;
    });
    if (r.entries.empty()) sessions_.erase(found);
}

void live_ring::forget_session(std::string_view session_id) {
    const auto found = sessions_.find(session_id);
    if (found == sessions_.end()) return;
    bytes_ -= found->second.bytes;
    sessions_.erase(found);
}

void live_ring::mix_into(page& p, const filter& f, std::int64_t after) const {
    if (!f.ephemeral_after || f.session_id.empty()) return;
    // Whatever was pushed so far was offered to this reader, unless the page ends before it.
    p.next_ephemeral = std::max(*f.ephemeral_after, p.has_more ? 0 : last_);
    const auto found = sessions_.find(f.session_id);
    if (found == sessions_.end()) return;

    std::vector<event> chosen;
    for (const entry& e : found->second.entries) {
        if (e.position <= *f.ephemeral_after || e.what.seq < after) continue;
        if (e.what.seq > p.next_seq) {  // the event before it is not durable yet, or on the next page
            p.next_ephemeral = e.position - 1;
            break;
        }
        p.next_ephemeral = std::max(p.next_ephemeral, e.position);
        if (f.types.empty() || std::ranges::find(f.types, e.what.type) != f.types.end()) chosen.push_back(e.what);
    }
    if (chosen.empty()) return;
    std::vector<event> mixed;
    mixed.reserve(p.events.size() + chosen.size());
    // Stable: a durable event comes before the ephemeral ones that carry its seq.
    std::ranges::merge(p.events, chosen, std::back_inserter(mixed), {}, &event::seq, &event::seq);
    p.events = std::move(mixed);
}

}  // namespace agent::events
