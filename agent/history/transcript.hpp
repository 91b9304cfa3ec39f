// A transcript of Claude Code as CodeZ's Message list. Blocking file read: call it on a pool thread. Reads the tail
// of a large file; lines that are cut, too long or no JSON are passed over. Messages come in the order of the file:
// after a rewind both branches are there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "proto/error.hpp"

namespace agent::history {

struct transcript {
    std::vector<std::string> messages;  // each one JSON object {id, sessionId, role, model?, time, parts}, oldest first
    bool truncated = false;             // older messages were left out
    std::int64_t end_offset = 0;        // after the last complete line
};

struct transcript_limit {
    std::size_t messages = 200;            // the newest ones
    std::size_t bytes = 4u << 20;          // of their JSON text
    std::int64_t file_bytes = 64ll << 20;  // how much of the file's end is read
    std::int64_t end_offset = -1;          // read only what lies before it; -1: the whole file
};

proto::result<transcript> read_transcript(const std::filesystem::path& file, const std::string& session_id,
                                          const transcript_limit& limit = {});

}  // namespace agent::history
