// The rows of the sessions this machine runs, in log.db. Free functions to be used inside batch::also and log::run,
// so that a session's state changes in the transaction of the events that tell of it. On failure the connection
// throws.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.hpp"

namespace agent::events {

enum class session_status { live, idle, ended, mirror };
enum class session_state { running, requires_action, idle, interrupted };

std::string_view to_string(session_status status);
std::string_view to_string(session_state state);

struct session_row {
    std::string id;
    std::string slug;
    std::string cwd;
    std::string title;  // empty: none yet
    std::string model;  // empty: Claude's default
    std::string permission_mode = "default";
    bool include_partial = false;  // Claude was started with --include-partial-messages
    std::int64_t created_at = 0;   // times are Unix milliseconds
    std::int64_t updated_at = 0;
    std::optional<std::int64_t> last_message_at;
    session_status status = session_status::idle;
    session_state state = session_state::idle;
    std::int64_t spool_offset = 0;            // everything of claude's stdout before it is in the log
    std::string holder_directory;             // empty: no holder
    std::string created_by;                   // principal::key()
    std::int64_t depth = 0;                   // how many sessions the call that created it came through
    std::string metadata = "{}";              // one JSON object: SessionMetadata and whatever else is asked for
    std::string last_result;                  // one JSON object, or empty: no turn has ended
    std::int64_t transcript_base_offset = 0;  // size of the transcript when the session was resumed from it
    bool operator==(const session_row&) const = default;
};

// Writes the whole row, new or not.
void save_session(common::db::connection& c, const session_row& row);

std::optional<session_row> find_session(common::db::connection& c, std::string_view id);

struct session_query {
    std::string slug;                      // empty: all
    std::optional<session_status> status;  // none: all
    // The place after which to go on: updated_at and id of the last row of the page before. 0: from the newest.
    std::int64_t before_ms = 0;
    std::string before_id;
    std::int64_t limit = 500;
};
// Newest (updated_at, then id) first.
std::vector<session_row> list_sessions(common::db::connection& c, const session_query& query);

// Does the session, or (empty) any, run a turn now that waits for nobody?
bool any_session_running(common::db::connection& c, std::string_view id);

// These change one thing and updated_at; false if there is no such session.
bool set_session_state(common::db::connection& c, std::string_view id, session_status status, session_state state,
                       std::int64_t now_ms);
bool set_spool_offset(common::db::connection& c, std::string_view id, std::int64_t offset);  // not updated_at
bool set_session_holder(common::db::connection& c, std::string_view id, std::string_view directory,
                        std::int64_t spool_offset, std::int64_t now_ms);
bool set_session_metadata(common::db::connection& c, std::string_view id, std::string_view metadata,
                          std::int64_t now_ms);
bool set_session_title(common::db::connection& c, std::string_view id, std::string_view title, std::int64_t now_ms);
bool set_session_model(common::db::connection& c, std::string_view id, std::string_view model,
                       std::string_view permission_mode, std::int64_t now_ms);
bool set_session_result(common::db::connection& c, std::string_view id, std::string_view result, std::int64_t now_ms);
bool set_last_message_at(common::db::connection& c, std::string_view id, std::int64_t at_ms);

}  // namespace agent::events
