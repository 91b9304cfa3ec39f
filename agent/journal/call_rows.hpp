// The calls table of log.db. Inside a transaction; on failure the connection throws.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journal/calls.hpp"
#include "common/db/database.hpp"

namespace agent::journal {

struct call_row {
    std::int64_t id = 0;
    call what;
    std::string subject;
    std::optional<std::string> result;  // none: not finished
    std::int64_t begun_at = 0;
};

std::optional<call_row> find_call(common::db::connection& c, const std::string& principal, const std::string& key);
std::int64_t insert_call(common::db::connection& c, const call& what, std::int64_t now_ms);
void finish_call(common::db::connection& c, std::int64_t id, const std::string& result, std::int64_t now_ms);
void remove_call(common::db::connection& c, std::int64_t id);

// Unfinished, oldest first.
std::vector<call_row> unfinished_calls(common::db::connection& c);

// The clock may jump: whatever it says, the latest calls are not old.
inline constexpr std::int64_t latest_calls = 256;
bool is_latest(common::db::connection& c, std::int64_t call_id);

// Forgets what is older and not of the latest, and all but the newest `keep`.
void expire_calls(common::db::connection& c, std::int64_t begun_before_ms, std::int64_t keep);

}  // namespace agent::journal
