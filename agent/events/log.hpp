// The machine's durable log: what happened, in one order, written before it is shown (SQLite, synchronous=FULL, group
// commit). Owned by agent::app. Call it from the agent's I/O thread; SQL runs on the log's own writer thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/db/database.hpp"
#include "proto/error.hpp"

namespace agent::events {

struct new_event {
    std::string session_id;    // empty for events of the machine itself
    std::string type;          // CodeZ's names, e.g. "message.created"
    std::string body;          // the event's other members as one raw JSON object, e.g. {"sessionId":…,"message":…}
    bool starts_turn = false;  // readers without a cursor begin here
};

struct event {
    std::int64_t seq = 0;      // increasing over the machine, never reused
    std::int64_t ordinal = 0;  // from 0 within the session
    std::int64_t at_ms = 0;    // Unix time
    std::string session_id;
    std::string type;
    std::string body;
};

// One group of changes that become durable together or not at all.
struct batch {
    std::vector<new_event> events;
    // More SQL of the same transaction (spool offset, prompt states, journal). Runs on the writer thread, perhaps
    // more than once; must own what it captures. first_seq = seq of events[0].
    std::function<void(common::db::connection&, std::int64_t first_seq)> also;
};

struct filter {
    std::string session_id;          // empty: all
    std::vector<std::string> types;  // empty: all
    // With a session_id: also the ephemeral events after this position (0: all that are kept). None: durable ones
    // only.
    std::optional<std::int64_t> ephemeral_after = std::nullopt;
};

struct page {
    std::vector<event> events;
    std::int64_t next_seq = 0;  // pass as `after` to go on; also moves over events that the filter hides
    bool has_more = false;
    std::int64_t next_ephemeral = 0;  // pass as `ephemeral_after` to go on
};

class log {
public:
    virtual ~log() = default;

    // New after every creation, rebuild or rollback of the file.
    virtual const std::string& log_id() const = 0;

    // Completes when the batch is on the disk; its value is the seq of the last event (the current last seq if the
    // batch has none). Batches become durable in the order of the calls. While the disk is full the batch stays
    // queued and is retried (see trouble()); nothing is dropped.
    virtual boost::asio::awaitable<proto::result<std::int64_t>> append(batch b) = 0;

    // Durable events with seq > after, oldest first; with `wait` > 0 it waits for the first.
    virtual boost::asio::awaitable<proto::result<page>> read(filter f, std::int64_t after, int limit,
                                                             std::chrono::milliseconds wait) = 0;

    // Shown to live readers of that session only, never stored (message.part.delta). Kept in a bounded ring; read()
    // hands them out, to who asks (filter::ephemeral_after), with the seq of the durable event before them.
    virtual void push_ephemeral(new_event e) = 0;

    virtual std::int64_t last_seq() const = 0;
    // The seq before the first event of the session's current or last turn; nullopt if it has none.
    virtual boost::asio::awaitable<proto::result<std::optional<std::int64_t>>> turn_start(std::string session_id) = 0;
    // The seq of the last event older than that.
    virtual boost::asio::awaitable<proto::result<std::int64_t>> seq_before(std::int64_t at_ms) = 0;

    // Runs blocking SQL off the I/O thread, in order with append(): reads that must see what was appended. While the
    // disk is full it fails with resource_exhausted instead of waiting.
    virtual boost::asio::awaitable<proto::result<void>> run(std::function<void(common::db::connection&)> job) = 0;

    // The same for longer reads, beside the writer: sees what was durable when it began, must not write.
    virtual boost::asio::awaitable<proto::result<void>> run_reading(std::function<void(common::db::connection&)> job) {
        return run(std::move(job));
    }

    // Empty when well, else a sentence for get_health, e.g. why writes wait.
    virtual std::string trouble() const = 0;
};

// Opens or creates log.db in `directory` with all tables of the agent (agent/events/schema).
proto::result<std::unique_ptr<log>> open_log(boost::asio::any_io_executor executor, const std::string& directory);

}  // namespace agent::events
