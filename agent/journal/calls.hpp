// The journal of calls with side effects: each is on the disk before it acts, and the same idempotency key gets the
// same answer. One per agent, made after the log; call it on the agent's I/O thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/events/log.hpp"
#include "proto/error.hpp"

namespace agent::journal {

struct call {
    std::string principal;  // principal::key(): keys of different callers never meet
    std::string tool;
    std::string idempotency_key;  // empty: journalled, never replayed
    std::string arguments_hash;   // of the arguments without the idempotency key
    std::string session_id{};     // for the audit, as is the next
    std::string origin{};
};

// How a call meets its own earlier self that has not ended yet.
enum class repetition {
    waits,  // for its result: the two must not act at once
    joins,  // acts beside it: whatever it does is done once, however often it is asked for
};

// What begin() decided.
struct decision {
    std::int64_t id = 0;                     // pass to finish(), withdraw() or leave(); 0 with a replay
    std::optional<std::string> replay{};     // the stored result: answer with it and do nothing
    std::int64_t audit_id{};                 // its entry in the audit; 0 if it met a call that runs
    std::optional<std::int64_t> begun_at{};  // the call was begun before, then, and may have acted: do nothing twice
};

// A call of an earlier run of the agent that has no result.
struct open_call {
    std::int64_t id = 0;
    call what;
    std::string subject;  // what set_subject() noted, e.g. a prompt's uuid
    std::int64_t begun_at = 0;
};

// For batch::also: notes what the call acts on, so that recovery can find out what became of it.
void set_subject(common::db::connection& c, std::int64_t call_id, std::string_view subject);

class calls {
public:
    // Both must outlive this object, and `log` what waits in it.
    calls(boost::asio::any_io_executor executor, events::log& log);
    ~calls();

    // Journals the call, or replays. If the same call is running now, waits for its result up to `wait`, or joins it.
    // Errors: idempotency_conflict (the key was used with another tool or other arguments), timeout (still running),
    // unknown_outcome (an earlier run of the agent began it and never finished it, and nobody said may_repeat()),
    // resource_exhausted (disk full).
    boost::asio::awaitable<proto::result<decision>> begin(call c, std::chrono::milliseconds wait,
                                                          repetition how = repetition::waits);

    // Stores the answer, as it is to be replayed; of several that joined, the first one's. Each id that begin() gave
    // ends by finish(), withdraw() or leave(). Who waits in begin() gets it at once; it is durable when the awaitable
    // completes, which while the disk is full may take long.
    boost::asio::awaitable<proto::result<void>> finish(std::int64_t id, std::string result);

    // The call was refused before it acted: forgets it, the key may be used again.
    boost::asio::awaitable<proto::result<void>> withdraw(std::int64_t id);

    // The call has no answer to keep, but may have acted: the same call may be made again, another one may not take
    // its key.
    void leave(std::int64_t id);

    // At start, before the first begin(): what recovery may settle with finish(), withdraw() or may_repeat().
    boost::asio::awaitable<proto::result<std::vector<open_call>>> open_calls();
    // The same call may be made again under its key: it finds out for itself what its earlier self did.
    void may_repeat(std::int64_t id);

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace agent::journal
