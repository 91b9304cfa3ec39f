#include "proto/link_output.hpp"

#include <utility>

#include "proto/limits.hpp"

namespace proto {

std::string& link_output::begin_frame() {
    if (last_is_closed_) {
        messages_.emplace_back();
        last_is_closed_ = false;
    }
    frame_start_ = messages_.back().size();
    return messages_.back();
}

void link_output::frame_done(bool alone) {
    std::string& message = messages_.back();
    bytes_ += message.size() - frame_start_;
    const bool split = frame_start_ > 0 && (alone || message.size() > limits::link_coalesce_bytes);
    if (split) {
        std::string frame = message.substr(frame_start_);
        message.resize(frame_start_);
        messages_.push_back(std::move(frame));
    }
    last_is_closed_ = alone;
}

bool link_output::full() const { return bytes_ >= limits::link_output_bytes_max; }

std::vector<std::string> link_output::take() {
    bytes_ = 0;
    last_is_closed_ = true;
    return std::exchange(messages_, {});
}

void link_output::clear() { take(); }

}  // namespace proto
