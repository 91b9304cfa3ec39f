#include "agent/events/poll.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include <simdjson.h>

#include "agent/events/event_json.hpp"
#include "agent/events/event_rows.hpp"
#include "agent/events/permission_rows.hpp"
#include "agent/events/session_rows.hpp"

namespace agent::events {

namespace asio = boost::asio;
namespace limits = proto::limits;
using common::db::connection;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

namespace {

// What a reader without a cursor gets at most: it cannot ask for the rest. CodeZ's own buffer held 1000.
constexpr std::size_t fresh_events_max = 10'000;
constexpr std::size_t fresh_bytes_max = 8 * limits::mib;
// One that polls again and again without a cursor, while nothing happens, does so once a second.
constexpr std::int64_t settled_pause_ms = 1000;

std::int64_t now_ms() {
    return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string text_at(std::string_view body, std::string_view outer, std::string_view inner) {
    simdjson::ondemand::parser parser;
    const simdjson::padded_string text(body);
    simdjson::ondemand::document document;
    std::string_view out;
    if (parser.iterate(text).get(document)) return {};
    auto value = inner.empty() ? document[outer].get_string() : document[outer][inner].get_string();
    return std::move(value).get(out) ? std::string() : std::string(out);
}

std::string request_id_of(const event& e) {
    if (e.type == "channel.permission_request") return text_at(e.body, "request", "requestId");
    return text_at(e.body, "requestId", {});
}

// Whether anything of a session goes on without its people, told by its events in order.
class turn_watch {
public:
    void see(const event& e, bool ephemeral) {
        if (ephemeral) return;
        last_at_ = std::max(last_at_, e.at_ms);
        if (e.type == "channel.permission_request") {
            asked_.insert(request_id_of(e));
        } else if (e.type == "channel.permission_resolved") {
            asked_.erase(request_id_of(e));
        } else if (e.type == "session.idle" || e.type == "session.error") {
            over_ = true;
            asked_.clear();
        } else if (e.type == "message.created") {
            over_ = false;  // parts alone may come late, from what runs in the background
        }
    }
    void asked(const std::string& request_id) { asked_.insert(request_id); }
    void over(bool yes) { over_ = yes; }

    bool settled() const { return over_ || !asked_.empty(); }
    std::int64_t last_at() const { return last_at_; }

private:
    std::set<std::string> asked_;
    bool over_ = true;
    std::int64_t last_at_ = 0;
};

// What a reader that starts at `seq` would not see in the events after it.
struct standing {
    std::vector<permission_row> pending;
    bool busy = false;  // a session is running and waits for nobody
};

standing read_standing(connection& c, const std::string& session_id, std::int64_t seq) {
    standing out;
    out.pending = pending_permissions(c, session_id);
    filter requests;
    requests.session_id = session_id;
    requests.types = {"channel.permission_request"};
    std::set<std::string> told;
    page p;
    do {
        p = read_page(c, requests, seq, {limits::events_page_max, limits::events_page_bytes_max});
        seq = p.next_seq;
        for (const auto& e : p.events) told.insert(e.session_id + "/" + request_id_of(e));
    } while (p.has_more);
    std::erase_if(out.pending,
                  [&](const permission_row& row) { return told.contains(row.session_id + "/" + row.request_id); });
    out.busy = any_session_running(c, session_id);
    return out;
}

asio::awaitable<proto::result<standing>> standing_at(log& source, std::string session_id, std::int64_t seq) {
    // Shared: the query may outlive this coroutine.
    auto out = std::make_shared<standing>();
    std::function<void(connection&)> query = [out, session_id = std::move(session_id), seq](connection& c) {
        *out = read_standing(c, session_id, seq);
    };
    auto done = co_await source.run_reading(std::move(query));
    if (!done) co_return std::unexpected(std::move(done.error()));
    co_return std::move(*out);
}

// A fresh reader's reply while it is put together.
struct gathering {
    poll_reply reply;
    std::size_t bytes = 0;
    std::size_t events_max = fresh_events_max;
    turn_watch watch;

    bool full() const { return reply.events.size() >= events_max || bytes >= fresh_bytes_max; }
    void add(std::string json) {
        bytes += json.size();
        reply.events.push_back(std::move(json));
    }
    void add(const page& p) {
        for (const auto& e : p.events) {
            watch.see(e, e.ordinal < 0);
            add(event_json(e));
        }
        reply.next.seq = p.next_seq;
        if (reply.next.live) reply.next.live = p.next_ephemeral;
        reply.has_more = p.has_more;
    }
    int room() const {
        const auto left = events_max - std::min(events_max, reply.events.size());
        return static_cast<int>(std::clamp<std::size_t>(left, 1, limits::events_page_max));
    }
};

// How long a reply may still be held back because more is expected.
milliseconds patience(const gathering& g, bool session_known, bool busy, clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock::now());
    if (left.count() <= 0 || g.full()) return milliseconds(0);
    if (session_known ? !g.watch.settled() : busy && !g.watch.settled()) return left;
    // Settled. Fresh news goes out at once; what is old was probably read before.
    if (now_ms() - g.watch.last_at() < settled_pause_ms) return milliseconds(0);
    return std::min(left, milliseconds(settled_pause_ms));
}

// The last event before which others are missing, 0: none is. Seqs have no holes but where a session was forgotten.
std::int64_t last_hole(const std::vector<event>& events, std::int64_t after) {
    std::int64_t found = 0;
    for (const auto& e : events) {
        if (e.seq > after + 1) found = e.seq;
        after = e.seq;
    }
    return found;
}

asio::awaitable<proto::result<poll_reply>> read_on(log& source, poll_request request) {
    filter f;
    f.session_id = request.session_id;
    f.ephemeral_after = request.from->live;
    const int limit = request.limit > 0 ? request.limit : limits::events_page_default;
    auto read = co_await source.read(std::move(f), request.from->seq, limit, request.timeout);
    if (!read) co_return std::unexpected(std::move(read.error()));
    poll_reply reply;
    // Of one session nothing is missed: it is kept whole or not at all.
    const std::int64_t hole = request.session_id.empty() ? last_hole(read->events, request.from->seq) : 0;
    for (const auto& e : read->events) {
        if (e.seq == hole)
            reply.events.push_back(gap_json(
                {}, e.seq - 1, now_ms(), "Events of sessions that this machine does not keep any more are missing."));
        reply.events.push_back(event_json(e));
    }
    reply.next = {source.log_id(), read->next_seq, std::nullopt};
    if (request.from->live) reply.next.live = read->next_ephemeral;
    reply.has_more = read->has_more;
    co_return reply;
}

asio::awaitable<proto::result<std::int64_t>> fresh_start(log& source, std::string session_id, bool after_gap) {
    if (session_id.empty()) {
        if (after_gap) co_return 0;  // all that is kept: what was missed is not known
        auto seq = co_await source.seq_before(now_ms() - limits::events_without_cursor_ms);
        co_return seq;
    }
    auto start = co_await source.turn_start(std::move(session_id));
    if (!start) co_return std::unexpected(std::move(start.error()));
    co_return start->value_or(0);
}

asio::awaitable<proto::result<poll_reply>> start_afresh(log& source, poll_request request, std::string gap) {
    auto start = co_await fresh_start(source, request.session_id, !gap.empty());
    if (!start) co_return std::unexpected(std::move(start.error()));
    auto standing_now = co_await standing_at(source, request.session_id, *start);
    if (!standing_now) co_return std::unexpected(std::move(standing_now.error()));

    gathering g;
    // Who had a cursor can go on with the one in the reply.
    if (!gap.empty()) g.events_max = limits::events_page_default;
    if (request.limit > 0) g.events_max = static_cast<std::size_t>(request.limit);
    g.reply.next = {source.log_id(), *start, std::nullopt};
    if (!request.session_id.empty()) g.reply.next.live = 0;
    if (!gap.empty()) g.add(gap_json(request.session_id, *start, now_ms(), gap));
    for (const auto& row : standing_now->pending) {
        g.add(pending_json(row, *start));
        g.watch.asked(row.request_id);
    }
    const bool told_at_once = !g.reply.events.empty();
    g.watch.over(!standing_now->busy);

    const auto deadline = clock::now() + request.timeout;
    milliseconds wait(0);
    for (;;) {
        filter f;
        f.session_id = request.session_id;
        f.ephemeral_after = g.reply.next.live;
        auto read = co_await source.read(std::move(f), g.reply.next.seq, g.room(), wait);
        if (!read) co_return std::unexpected(std::move(read.error()));
        const bool nothing_came = read->events.empty();
        g.add(*read);
        if (g.full()) break;
        if (g.reply.has_more) {
            wait = milliseconds(0);
            continue;
        }
        if (told_at_once || (nothing_came && wait.count() > 0)) break;
        wait = patience(g, !request.session_id.empty(), standing_now->busy, deadline);
        if (wait.count() == 0) break;
    }
    co_return std::move(g.reply);
}

asio::awaitable<proto::result<std::int64_t>> stored_last_seq(log& source) {
    const auto last = std::make_shared<std::int64_t>(0);  // the query may outlive this coroutine
    std::function<void(connection&)> query = [last](connection& c) { *last = last_event_seq(c); };
    auto read = co_await source.run_reading(std::move(query));
    if (!read) co_return std::unexpected(std::move(read.error()));
    co_return *last;
}

}  // namespace

asio::awaitable<proto::result<poll_reply>> poll(log& source, poll_request request) {
    request.timeout = std::clamp(request.timeout, milliseconds(0), milliseconds(limits::poll_wait_ms_max));
    request.limit = std::clamp(request.limit, 0, limits::events_page_max);
    std::string gap;
    if (request.from && request.from->log_id != source.log_id()) {
        gap = "The machine's log was rebuilt or restored since: events before this point may be missing.";
    } else if (request.from && request.from->seq > source.last_seq()) {
        // What was just stored is read before last_seq() tells of it: a fast reader may be ahead of that.
        auto stored = co_await stored_last_seq(source);
        if (!stored) co_return std::unexpected(std::move(stored.error()));
        if (request.from->seq > *stored)
            gap = "The machine's log was set back since: events before this point may be missing or different.";
    }
    if (request.from && gap.empty()) co_return co_await read_on(source, std::move(request));
    co_return co_await start_afresh(source, std::move(request), std::move(gap));
}

}  // namespace agent::events
