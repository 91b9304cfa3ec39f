// Files that were given to sessions with a prompt: each session has a directory of its own, which its claude may read.
// They stay there for a month. Bounded in bytes. One for the agent; its I/O thread, files on the pool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "agent/uploads/spool.hpp"
#include "common/async/blocking_pool.hpp"
#include "proto/error.hpp"

namespace agent::uploads {

// DIRECTORY/UPLOAD-ID/NAME is where a session's claude finds a file.
std::filesystem::path attachments_directory(const std::filesystem::path& state, const std::string& session_id);

struct attachment {
    std::filesystem::path path;
    std::string media_type;
    std::uint64_t bytes = 0;
    bool shown = false;  // an image that goes into the prompt itself
};

struct attachments_options {
    std::function<std::int64_t()> now_ms;
    std::uint64_t bytes_max = proto::limits::attachments_bytes_max;
};

class attachments {
public:
    // `state` is the agent's state directory. The pool outlives the object.
    attachments(common::async::blocking_pool& pool, std::filesystem::path state, attachments_options options);

    // Copies of the uploads, in their order. Those that are there already stay as they are.
    boost::asio::awaitable<proto::result<std::vector<attachment>>> add(std::string session_id,
                                                                       std::vector<upload> uploads, const spool& from);

private:
    common::async::blocking_pool& pool_;
    std::filesystem::path state_;
    attachments_options options_;
};

}  // namespace agent::uploads
