// The engine's own rows in log.db, beside those of agent/events: what it remembers between two lines of claude's, and
// the permission answers as they were written, to be written again if claude did not get them. For batch::also and
// log::run; throws as they do.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/session/engine.hpp"
#include "common/db/database.hpp"

namespace agent::session {

void make_engine_tables(common::db::connection& c);

void save_memory(common::db::connection& c, std::string_view session_id, std::string_view memory);
std::string find_memory(common::db::connection& c, std::string_view session_id);  // empty: none

void save_answer_line(common::db::connection& c, std::string_view session_id, std::string_view request_id,
                      std::string_view line);
std::optional<std::string> find_answer_line(common::db::connection& c, std::string_view session_id,
                                            std::string_view request_id);

void save_options(common::db::connection& c, std::string_view session_id, const start_options& options);
start_options find_options(common::db::connection& c, std::string_view session_id);
void save_effort(common::db::connection& c, std::string_view session_id, std::string_view effort);
void save_origin(common::db::connection& c, std::string_view session_id, const fork_origin& origin);
fork_origin find_origin(common::db::connection& c, std::string_view session_id);
// And its origin.
void remove_options(common::db::connection& c, std::string_view session_id);
// Idle sessions with prompts that no claude was given, in the order of these.
std::vector<std::string> sessions_in_line(common::db::connection& c);

// A session that never came to be: nobody was told of it.
void remove_session(common::db::connection& c, std::string_view session_id);

}  // namespace agent::session
