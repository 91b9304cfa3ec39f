// log.db as a file: opened with 0600 in a 0700 directory, recognised again or not, set aside when damaged. Blocking;
// used at start and by the writer's thread.
//
// Beside it lies log.mark, the log's id and the last seq that was durable, written after each commit without waiting
// for the disk. It is never ahead of the log, so a log that is behind it was rolled back (restored from a backup)
// and gets a new id; so does one whose file is another than the one that was last opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "common/db/database.hpp"
#include "proto/error.hpp"

namespace agent::events {

class log_mark {
public:
    explicit log_mark(const std::filesystem::path& file);
    ~log_mark();
    log_mark(log_mark&& other) noexcept;
    log_mark& operator=(log_mark&& other) noexcept;

    // 0 if the mark is of another log, or none.
    std::int64_t read(const std::string& log_id) const;
    // Best effort: without it only the detection of rollbacks is weaker.
    void write(const std::string& log_id, std::int64_t seq);

private:
    int descriptor_ = -1;
};

struct log_files {
    std::filesystem::path directory;
    std::unique_ptr<common::db::database> writing;
    std::unique_ptr<common::db::database> reading;
    log_mark mark;
    std::string log_id;
    std::int64_t last_seq = 0;
    std::string trouble;  // what was found wrong at start, a sentence; else empty
};

proto::result<log_files> open_files(const std::filesystem::path& directory);

// Called when SQL said so while running: the next open_files() sets the file aside. Best effort.
void note_damage(const std::filesystem::path& directory);

}  // namespace agent::events
