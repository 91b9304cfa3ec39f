#include "agent/events/writer.hpp"

#include <chrono>
#include <exception>

#include <fmt/format.h>

#include "agent/events/event_rows.hpp"
#include "agent/events/part_id.hpp"

namespace agent::events {

using common::db::connection;
using common::db::db_errc;
using common::db::db_error;

namespace {

// What one transaction takes. Bounds how long the first of a group waits for the last.
constexpr std::size_t group_events_max = 256;
constexpr std::size_t group_bytes_max = 8u << 20;
constexpr std::chrono::seconds retry_pause{1};

bool is_job(const write_item& item) { return static_cast<bool>(item.job); }

// Neither the batch's fault nor for good: the batch is kept and tried again.
bool will_pass(db_errc code) {
    return code == db_errc::full || code == db_errc::unavailable || code == db_errc::unknown;
}

proto::error to_error(const db_error& e) {
    switch (e.code) {
        case db_errc::full:
            return {proto::error_code::resource_exhausted,
                    "The disk of this machine's log is full, so nothing new is begun.",
                    "Free some space on the machine, then send the call again.",
                    {}};
        case db_errc::unavailable:
            return {proto::error_code::resource_exhausted,
                    "This machine's log cannot be written at the moment.",
                    "Try again; get_health tells whether the trouble lasts.",
                    {}};
        case db_errc::unknown:
            return {proto::error_code::unknown_outcome,
                    "It is not known whether this machine's log took the change.",
                    "Look at what is there before sending it again.",
                    {}};
        case db_errc::corrupt:
            return {proto::error_code::internal,
                    "This machine's log is damaged.",
                    "Restart the agent: it keeps the damaged file aside and begins a new log.",
                    {}};
        default:
            return {proto::error_code::internal, "This machine's log refused the change: " + e.message, {}, {}};
    }
}

}  // namespace

writer::writer(log_files files, callback tell)
    : files_(std::move(files)),
      tell_(std::move(tell)),
      last_seq_(files_.last_seq),
      trouble_(files_.trouble),
      thread_([this] { loop(); }) {}

writer::~writer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void writer::push(write_item item) {
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(item));
    }
    wake_.notify_all();
}

std::string writer::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

void writer::set_trouble(std::string sentence) {
    const std::lock_guard lock(mutex_);
    trouble_ = std::move(sentence);
}

void writer::loop() {
    for (;;) {
        auto group = take();
        if (group.empty()) return;
        write(std::move(group));
    }
}

std::vector<write_item> writer::take() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    std::vector<write_item> group;
    std::size_t events = 0;
    std::size_t bytes = 0;
    while (!queue_.empty()) {
        // Jobs stay alone: they run once, and their failure concerns nobody else.
        const bool alone = careful_ || is_job(queue_.front());
        if (!group.empty() && alone) break;
        for (const auto& e : queue_.front().what.events) bytes += e.body.size();
        events += queue_.front().what.events.size() + 1;
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
        if (alone || events >= group_events_max || bytes >= group_bytes_max) break;
    }
    return group;
}

void writer::write(std::vector<write_item> group) {
    for (;;) {
        std::vector<std::int64_t> first_seqs;
        proto::error failure;
        try {
            auto committed = commit(group, first_seqs);
            if (committed) {
                last_seq_ = *committed;
                files_.mark.write(files_.log_id, last_seq_);
                if (careful_) set_trouble(files_.trouble);
                careful_ = false;
                return report(std::move(group), first_seqs);
            }
            const db_errc code = committed.error().code;
            if (will_pass(code) && !is_job(group.front())) {
                careful_ = true;
                if (!wait_for_room(code)) return fail_group(std::move(group), to_error(committed.error()));
                // One after the other: the first may fit where all do not.
                while (group.size() > 1) {
                    const std::lock_guard lock(mutex_);
                    queue_.push_front(std::move(group.back()));
                    group.pop_back();
                }
                continue;
            }
            if (code == db_errc::corrupt) {
                note_damage(files_.directory);
                set_trouble(
                    "The log is damaged and takes no more events. Restart the agent: it keeps the damaged file "
                    "aside and begins a new log.");
            }
            failure = to_error(committed.error());
        } catch (const std::exception& bug) {
            failure = {proto::error_code::internal, fmt::format("The log's writer met a bug: {}.", bug.what()), {}, {}};
        }
        if (group.size() == 1) return fail_group(std::move(group), failure);
        // Somebody's change cannot be made: the others' can.
        for (auto& item : group) {
            std::vector<write_item> alone;
            alone.push_back(std::move(item));
            write(std::move(alone));
        }
        return;
    }
}

std::expected<std::int64_t, db_error> writer::commit(std::vector<write_item>& group,
                                                     std::vector<std::int64_t>& first_seqs) {
    return files_.writing->transaction([&](connection& c) {
        first_seqs.clear();
        std::int64_t planned = last_seq_;
        for (const auto& item : group) {
            first_seqs.push_back(planned + 1);
            planned += static_cast<std::int64_t>(item.what.events.size());
        }
        // The attempt before this one may have been committed although its outcome was in doubt: nobody else writes.
        if (planned > last_seq_ && last_event_seq(c) >= planned) return planned;
        for (std::size_t i = 0; i < group.size(); ++i) {
            std::int64_t seq = first_seqs[i];
            for (const auto& e : group[i].what.events) insert_event(c, e, seq++, group[i].at_ms);
            if (group[i].what.also) group[i].what.also(c, first_seqs[i]);
            if (group[i].job) group[i].job(c);
        }
        return planned;
    });
}

bool writer::wait_for_room(db_errc why) {
    const std::string where = files_.directory.string();
    set_trouble(why == db_errc::full
                    ? "The disk that holds " + where + " is full: events wait in memory until there is room again."
                    : "The log in " + where + " cannot be written: events wait in memory and are tried again.");
    // Whatever became of the batch: they were not begun.
    refuse_queued_jobs(to_error({why == db_errc::full ? why : db_errc::unavailable, {}}));
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, retry_pause, [this] { return stopping_; });
    return !stopping_;
}

void writer::refuse_queued_jobs(const proto::error& why) {
    std::vector<write_item> jobs;
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(queue_, [&jobs](write_item& item) {
            if (!is_job(item)) return false;
            jobs.push_back(std::move(item));
            return true;
        });
    }
    if (!jobs.empty()) fail_group(std::move(jobs), why);
}

void writer::report(std::vector<write_item> group, const std::vector<std::int64_t>& first_seqs) {
    std::vector<written_item> written;
    for (std::size_t i = 0; i < group.size(); ++i) {
        written_item w{std::move(group[i]), {}, {}};
        w.outcome = first_seqs[i] - 1 + static_cast<std::int64_t>(w.item.what.events.size());
        for (const auto& e : w.item.what.events)
            if (e.type == "message.part.completed") w.completed_parts.push_back(part_id_of_completed(e.body));
        written.push_back(std::move(w));
    }
    tell_(std::move(written), last_seq_);
}

void writer::fail_group(std::vector<write_item> group, const proto::error& why) {
    std::vector<written_item> failed;
    for (auto& item : group) failed.push_back({std::move(item), std::unexpected(why), {}});
    tell_(std::move(failed), last_seq_);
}

}  // namespace agent::events
