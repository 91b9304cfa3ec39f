// What makes log.db bounded: sessions that nobody used for long are forgotten as a whole. Claude Code's own transcript
// stays and is listed and resumed as that of any session that CodeZ did not make. Inside a transaction of log.db.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/db/database.hpp"

namespace agent::events {

// A session without a process and without prompts that wait, last changed longer ago than that. The age is counted from
// the newest change of any session, if that is before `now_ms`: a clock that has jumped ahead makes none old. One that was
// changed while the clock stood long before our time has no age. Never the one that has the newest event: seqs are not
// used twice.
std::optional<std::string> oldest_forgettable(common::db::connection& c, std::int64_t now_ms, std::int64_t keep_ms);

// With its events, prompts and permission requests.
void forget_session(common::db::connection& c, std::string_view session_id);

}  // namespace agent::events
