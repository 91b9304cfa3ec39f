// The one thread that writes log.db: takes what has queued up meanwhile as one group, commits it as one transaction
// and tells. While the disk is full the group stays and is tried again each second; jobs without events to keep are
// refused. push(), trouble() and the constructor may be called from any thread; the callback runs on the writer's
// thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/events/delivery.hpp"
#include "agent/events/log.hpp"
#include "agent/events/log_file.hpp"
#include "common/db/database.hpp"

namespace agent::events {

// A batch, or (job set) SQL of its own.
struct write_item {
    batch what;
    std::int64_t at_ms = 0;
    std::function<void(common::db::connection&)> job;
    std::shared_ptr<delivery<std::int64_t>> done;
};

struct written_item {
    write_item item;
    proto::result<std::int64_t> outcome;       // what append() returns
    std::vector<std::string> completed_parts;  // of its message.part.completed events, in order; may be empty strings
};

class writer {
public:
    using callback = std::function<void(std::vector<written_item>, std::int64_t last_seq)>;

    // Takes over the files that open_files() opened. `tell` gets each group in order, failed ones too.
    writer(log_files files, callback tell);
    // Tries once to write what is queued, then fails the rest with `cancelled`.
    ~writer();
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;

    void push(write_item item);

    std::string trouble() const;

private:
    void loop();
    // Blocks. Empty: the end.
    std::vector<write_item> take();
    void write(std::vector<write_item> group);
    // The last seq after it, or why it failed; `first_seqs` gets one for each item.
    std::expected<std::int64_t, common::db::db_error> commit(std::vector<write_item>& group,
                                                             std::vector<std::int64_t>& first_seqs);
    // False: stopping.
    bool wait_for_room(common::db::db_errc why);
    void refuse_queued_jobs(const proto::error& why);
    void report(std::vector<write_item> group, const std::vector<std::int64_t>& first_seqs);
    void fail_group(std::vector<write_item> group, const proto::error& why);
    void set_trouble(std::string sentence);

    log_files files_;
    callback tell_;
    std::int64_t last_seq_;
    bool careful_ = false;  // after trouble: one item at a time, whatever fits goes in

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<write_item> queue_;
    std::string trouble_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace agent::events
