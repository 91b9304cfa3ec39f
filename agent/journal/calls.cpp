#include "agent/journal/calls.hpp"

#include <map>
#include <set>
#include <utility>

#include "agent/journal/audit_trail.hpp"
#include "agent/journal/call_rows.hpp"
#include "common/async/event_signal.hpp"
#include "proto/limits.hpp"

namespace agent::journal {

namespace asio = boost::asio;
using common::db::connection;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::int64_t calls_kept_max = 100'000;
constexpr std::int64_t expire_every = 64;  // calls

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string place_of(const call& c) { return c.principal + "\n" + c.idempotency_key; }

bool same_call(const call& a, const call& b) { return a.tool == b.tool && a.arguments_hash == b.arguments_hash; }

std::unexpected<proto::error> conflict() {
    return proto::fail(proto::error_code::idempotency_conflict,
                       "This idempotency_key was used before, for another tool or with other arguments.",
                       "Use a new key for a new call; the old key repeats the old call only.");
}

std::unexpected<proto::error> outcome_unknown() {
    return proto::fail(proto::error_code::unknown_outcome,
                       "This call was begun before, and the agent ended before the call did. Whether it took effect is "
                       "not known.",
                       "Look at the session with get_session or poll_events. If the call is still needed, send it with "
                       "a new idempotency_key.");
}

// What the table says to a call; runs on the log's thread.
struct lookup {
    std::int64_t id = 0;
    std::int64_t audit_id = 0;
    std::optional<call_row> earlier;
};

lookup journal_or_find(connection& c, const call& what) {
    const std::int64_t now = now_ms();
    const std::int64_t oldest = now - proto::limits::idempotency_keep_ms;
    audit_entry entry;
    entry.principal = what.principal;
    entry.origin = what.origin;
    entry.tool = what.tool;
    entry.session_id = what.session_id;
    entry.arguments_hash = what.arguments_hash;
    const std::int64_t audit_id = note_call(c, std::move(entry));
    if (!what.idempotency_key.empty()) {
        auto earlier = find_call(c, what.principal, what.idempotency_key);
        if (earlier && (earlier->begun_at >= oldest || is_latest(c, earlier->id)))
            return {0, audit_id, std::move(earlier)};
        if (earlier) remove_call(c, earlier->id);
    }
    lookup out{insert_call(c, what, now), audit_id, std::nullopt};
    if (out.id % expire_every == 0) expire_calls(c, oldest, calls_kept_max);
    return out;
}

asio::awaitable<proto::result<void>> without_seq(asio::awaitable<proto::result<std::int64_t>> appended) {
    auto done = co_await std::move(appended);
    if (!done) co_return std::unexpected(std::move(done.error()));
    co_return proto::result<void>();
}

}  // namespace

struct calls::state {
    // A call with a key, between its begin() and its finish().
    struct running_call {
        running_call(call c, const asio::any_io_executor& executor) : what(std::move(c)), over(executor) {}
        call what;
        std::optional<std::string> result;
        bool gone = false;
        common::async::event_signal over;
    };

    state(asio::any_io_executor e, events::log& l) : executor(std::move(e)), log(l) {}

    // Tells those who wait for it; without a result they try for themselves.
    void end(const std::string& place, std::optional<std::string> result) {
        const auto found = running.find(place);
        if (found == running.end()) return;
        const auto ended = found->second;
        running.erase(found);
        ended->result = std::move(result);
        ended->gone = true;
        ended->over.notify_all();
    }

    void end(std::int64_t id, std::optional<std::string> result) {
        const auto found = places.find(id);
        if (found == places.end()) return;
        const std::string place = found->second;
        places.erase(found);
        end(place, std::move(result));
    }

    static asio::awaitable<proto::result<decision>> begin(std::shared_ptr<state> self, call what,
                                                          std::chrono::milliseconds wait, repetition how);
    static asio::awaitable<proto::result<decision>> journal(std::shared_ptr<state> self, call what, repetition how);
    asio::awaitable<proto::result<void>> write(std::function<void(connection&)> change);

    asio::any_io_executor executor;
    events::log& log;
    std::map<std::string, std::shared_ptr<running_call>> running;
    std::map<std::int64_t, std::string> places;
    std::set<std::int64_t> repeatable;  // unfinished, and not running
};

asio::awaitable<proto::result<decision>> calls::state::journal(std::shared_ptr<state> self, call what, repetition how) {
    auto found = std::make_shared<lookup>();
    std::function<void(connection&)> job = [found, what](connection& c) { *found = journal_or_find(c, what); };
    auto done = co_await self->log.run(std::move(job));
    if (!done) co_return std::unexpected(std::move(done.error()));
    if (!found->earlier) co_return decision{.id = found->id, .audit_id = found->audit_id};
    const call_row& earlier = *found->earlier;
    if (!same_call(earlier.what, what)) co_return conflict();
    if (earlier.result) co_return decision{.replay = earlier.result, .audit_id = found->audit_id};
    // Calls of this run that are waited for are found before the table is asked.
    const bool allowed = self->repeatable.erase(earlier.id) > 0;
    if (!allowed && how == repetition::waits) co_return outcome_unknown();
    co_return decision{.id = earlier.id, .audit_id = found->audit_id, .begun_at = earlier.begun_at};
}

asio::awaitable<proto::result<decision>> calls::state::begin(std::shared_ptr<state> self, call what,
                                                             std::chrono::milliseconds wait, repetition how) {
    if (what.idempotency_key.size() > proto::limits::idempotency_key_bytes_max)
        co_return proto::fail(proto::error_code::invalid_argument, "The idempotency_key is too long.",
                              "Use at most 128 characters, e.g. a UUID.");
    if (what.idempotency_key.empty() || how == repetition::joins) {
        auto decided = co_await journal(self, std::move(what), how);
        co_return decided;
    }
    const auto deadline = clock::now() + wait;
    const std::string place = place_of(what);
    for (auto found = self->running.find(place); found != self->running.end(); found = self->running.find(place)) {
        const auto other = found->second;
        if (!same_call(other->what, what)) co_return conflict();
        while (!other->gone) {
            const bool told = co_await other->over.wait_until(deadline);
            if (!told && !other->gone)
                co_return proto::fail(proto::error_code::timeout, "The same call is still running.",
                                      "Send it again with the same idempotency_key to get its result.");
        }
        if (other->result) co_return decision{.replay = other->result};
    }
    self->running.emplace(place, std::make_shared<running_call>(what, self->executor));
    auto decided = co_await journal(self, std::move(what), how);
    if (!decided)
        self->end(place, std::nullopt);
    else if (decided->replay)
        self->end(place, decided->replay);
    else
        self->places.emplace(decided->id, place);
    co_return decided;
}

// The change is on its way when this returns: a begin() that comes next sees it.
asio::awaitable<proto::result<void>> calls::state::write(std::function<void(connection&)> change) {
    events::batch b;
    b.also = [change = std::move(change)](connection& c, std::int64_t) { change(c); };
    return without_seq(log.append(std::move(b)));
}

calls::calls(asio::any_io_executor executor, events::log& log)
    : state_(std::make_shared<state>(std::move(executor), log)) {}

calls::~calls() = default;

asio::awaitable<proto::result<decision>> calls::begin(call c, std::chrono::milliseconds wait, repetition how) {
    return state::begin(state_, std::move(c), wait, how);
}

asio::awaitable<proto::result<void>> calls::finish(std::int64_t id, std::string result) {
    state_->end(id, result);
    return state_->write(
        [id, result = std::move(result), now = now_ms()](connection& c) { finish_call(c, id, result, now); });
}

asio::awaitable<proto::result<void>> calls::withdraw(std::int64_t id) {
    state_->end(id, std::nullopt);
    return state_->write([id](connection& c) { remove_call(c, id); });
}

void calls::leave(std::int64_t id) {
    state_->end(id, std::nullopt);
    may_repeat(id);
}

void calls::may_repeat(std::int64_t id) { state_->repeatable.insert(id); }

asio::awaitable<proto::result<std::vector<open_call>>> calls::open_calls() {
    auto rows = std::make_shared<std::vector<call_row>>();
    std::function<void(connection&)> job = [rows](connection& c) { *rows = unfinished_calls(c); };
    auto done = co_await state_->log.run(std::move(job));
    if (!done) co_return std::unexpected(std::move(done.error()));
    std::vector<open_call> out;
    for (auto& row : *rows) out.push_back({row.id, std::move(row.what), std::move(row.subject), row.begun_at});
    co_return out;
}

}  // namespace agent::journal
