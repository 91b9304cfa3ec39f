// Frames waiting to leave, shared by both sides of the link: frames of one loop turn leave as one message of bounded
// size. Most of a call's cost is system calls, and one message costs one.
// Owned by its link; same thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace proto {

class link_output {
public:
    // Where to append exactly one frame; frame_done() must follow.
    std::string& begin_frame();
    // `alone`: the frame is a message of its own (handshake).
    void frame_done(bool alone = false);

    bool empty() const { return messages_.empty(); }
    std::size_t bytes() const { return bytes_; }
    bool full() const;

    std::vector<std::string> take();
    void clear();

private:
    std::vector<std::string> messages_;
    std::size_t frame_start_ = 0;
    std::size_t bytes_ = 0;
    bool last_is_closed_ = true;  // the next frame starts a new message
};

}  // namespace proto
