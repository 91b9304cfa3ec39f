#include "common/mcp/kept_stream.hpp"

#include <utility>

#include "proto/limits.hpp"

namespace common::mcp {

bool byte_budget::take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
}

void byte_budget::give_back(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    left_ += bytes;
}

std::size_t byte_budget::left() const {
    const std::lock_guard lock(mutex_);
    return left_;
}

kept_stream::~kept_stream() { budget_.give_back(bytes_); }

std::size_t kept_stream::next_number() const {
    const std::lock_guard lock(mutex_);
    return events_.size() + 1;
}

void kept_stream::append(std::string_view text) {
    const std::lock_guard lock(mutex_);
    if (is_cut_) return;
    if (bytes_ + text.size() <= bytes_max_ && budget_.take(text.size())) {
        bytes_ += text.size();
        partial_ += text;
        return;
    }
    drop();
}

void kept_stream::cut() {
    const std::lock_guard lock(mutex_);
    drop();
}

void kept_stream::drop() {
    is_cut_ = true;
    budget_.give_back(std::exchange(bytes_, 0));
    events_ = {};
    partial_ = {};
    tell();
}

void kept_stream::end_event() {
    const std::lock_guard lock(mutex_);
    if (is_cut_) return;
    events_.push_back(std::exchange(partial_, {}));
    tell();
}

void kept_stream::finish() {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    tell();
}

bool kept_stream::is_cut() const {
    const std::lock_guard lock(mutex_);
    return is_cut_;
}

bool kept_stream::has_reader() const {
    const std::lock_guard lock(mutex_);
    return static_cast<bool>(on_change_);
}

kept_stream::view kept_stream::after(std::size_t number) const {
    const std::lock_guard lock(mutex_);
    view seen;
    seen.is_over = is_over_;
    seen.is_cut = is_cut_;
    if (number < events_.size()) {
        seen.events.assign(events_.begin() + static_cast<std::ptrdiff_t>(number), events_.end());
    }
    return seen;
}

std::size_t kept_stream::set_reader(std::function<void()> on_change) {
    const std::lock_guard lock(mutex_);
    tell();  // the one before has to go
    on_change_ = std::move(on_change);
    return ++readers_;
}

bool kept_stream::is_current(std::size_t reader) const {
    const std::lock_guard lock(mutex_);
    return reader == readers_;
}

void kept_stream::leave(std::size_t reader) {
    const std::lock_guard lock(mutex_);
    if (reader == readers_) on_change_ = nullptr;
}

void kept_stream::tell() const {
    if (on_change_) on_change_();
}

std::shared_ptr<kept_stream> kept_streams::add(const std::string& name, const std::string& owner) {
    const std::lock_guard lock(mutex_);
    forget_old();
    if (streams_.size() >= streams_max_) return nullptr;
    auto stream = std::make_shared<kept_stream>(owner, stream_bytes_max_, budget_);
    streams_[name] = stream;
    return stream;
}

std::shared_ptr<kept_stream> kept_streams::find(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(name);
    return found == streams_.end() ? nullptr : found->second;
}

void kept_streams::finished(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(name);
    if (found == streams_.end()) return;
    found->second->finish();
    if (found->second->next_number() == 1) {
        streams_.erase(found);
        return;
    }
    finished_.push_back({name, std::chrono::steady_clock::now()});
}

void kept_streams::forget_old() {
    const auto too_old = std::chrono::steady_clock::now() - std::chrono::milliseconds(proto::limits::mcp_keep_ms);
    const auto is_full = [&] { return streams_.size() >= streams_max_ || budget_.left() < stream_bytes_max_; };
    while (!finished_.empty() && (is_full() || finished_.front().at < too_old)) {
        streams_.erase(finished_.front().name);
        finished_.pop_front();
    }
}

}  // namespace common::mcp
