// The events of one call's answer, kept for a client that loses its stream and comes back for the rest (until 2025-11-25:
// GET with Last-Event-ID). Written by the call on its executor, read from any other. Bounded, each by itself and all
// together: what does not fit is gone, and its reader is told so. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace common::mcp {

// The bytes that all streams of a process may keep.
class byte_budget {
public:
    explicit byte_budget(std::size_t bytes_max) : left_(bytes_max) {}
    bool take(std::size_t bytes);
    void give_back(std::size_t bytes);
    std::size_t left() const;

private:
    mutable std::mutex mutex_;
    std::size_t left_;
};

class kept_stream {
public:
    kept_stream(std::string owner, std::size_t bytes_max, byte_budget& budget)
        : owner_(std::move(owner)), bytes_max_(bytes_max), budget_(budget) {}
    ~kept_stream();

    const std::string& owner() const { return owner_; }  // the session's name

    // --- The call ---
    // The number of the event that comes next; the first is 1. Number 0 is before all of them.
    std::size_t next_number() const;
    // More text of it, then its end.
    void append(std::string_view text);
    void end_event();
    void finish();
    // It broke off, or too much has been written: nobody can come back for it.
    void cut();
    bool is_cut() const;
    bool has_reader() const;

    // --- The client that came back ---
    struct view {
        std::vector<std::string> events;  // in order, none twice
        bool is_over = false;             // none will follow
        bool is_cut = false;
    };
    view after(std::size_t number) const;
    // `on_change` is called, from any thread, when there may be more; empty when the reader leaves. A new reader
    // replaces the one there is, whose number is then no longer current.
    std::size_t set_reader(std::function<void()> on_change);
    bool is_current(std::size_t reader) const;
    void leave(std::size_t reader);

private:
    void drop();
    void tell() const;

    const std::string owner_;
    const std::size_t bytes_max_;
    byte_budget& budget_;
    mutable std::mutex mutex_;
    std::vector<std::string> events_;
    std::string partial_;
    std::size_t bytes_ = 0;
    std::size_t readers_ = 0;
    std::function<void()> on_change_;
    bool is_over_ = false;
    bool is_cut_ = false;
};

// All of a process, by name. Finished ones go after a while, or when there are too many; the running ones stay.
class kept_streams {
public:
    kept_streams(std::size_t streams_max, std::size_t stream_bytes_max, std::size_t bytes_max)
        : streams_max_(streams_max), stream_bytes_max_(stream_bytes_max), budget_(bytes_max) {}

    // Null if there are too many.
    std::shared_ptr<kept_stream> add(const std::string& name, const std::string& owner);
    std::shared_ptr<kept_stream> find(const std::string& name) const;
    // From now on its time runs. One without events is forgotten at once.
    void finished(const std::string& name);

private:
    void forget_old();

    struct finished_stream {
        std::string name;
        std::chrono::steady_clock::time_point at;
    };

    const std::size_t streams_max_;
    const std::size_t stream_bytes_max_;
    byte_budget budget_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<kept_stream>> streams_;
    std::list<finished_stream> finished_;  // the oldest first
};

}  // namespace common::mcp
