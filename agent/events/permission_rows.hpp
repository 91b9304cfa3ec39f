// The permission requests of claude and what became of them. One row stays after its answer: who allowed what is
// part of the machine's record. For batch::also and log::run; throws as they do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/database.hpp"

namespace agent::events {

enum class permission_state { pending, allowed, denied, withdrawn };

// Who answered: somebody signed in, a client by itself, a program on this machine; or nobody now: a rule of the machine,
// what was allowed for the session before, the end of the time that the request had.
enum class answerer_kind { nobody, person, client, local, rule, grant, expiry };

std::string_view to_string(permission_state state);
std::string_view to_string(answerer_kind kind);

struct answerer {
    answerer_kind kind = answerer_kind::nobody;
    std::string name;
};

struct permission_row {
    std::string request_id;  // claude's; unique within its session
    std::string session_id;
    std::string tool_name;
    std::string tool_use_id;   // empty: not told
    std::string input = "{}";  // the tool's input, one JSON object
    std::string description;
    std::string suggestions = "[]";  // permission_suggestions, one JSON array
    // What else callers are told of it, one JSON object: its kind, and what one must know to answer it.
    std::string details = "{}";
    permission_state state = permission_state::pending;
    std::string answered_by;  // for people: a name; empty while pending
    answerer_kind answered_kind = answerer_kind::nobody;
    std::int64_t created_at = 0;
    std::optional<std::int64_t> answered_at;
    bool operator==(const permission_row&) const = default;
};

// False, and nothing changed, if the session has this request already: claude repeats pending ones after an attach.
bool insert_permission(common::db::connection& c, const permission_row& row);

std::optional<permission_row> find_permission(common::db::connection& c, std::string_view session_id,
                                              std::string_view request_id);

// Oldest first, of one session or (empty) of all. At most 1000.
std::vector<permission_row> pending_permissions(common::db::connection& c, std::string_view session_id = {});

// From pending to `state`. False if it is not pending (any more): the first answer holds.
bool answer_permission(common::db::connection& c, std::string_view session_id, std::string_view request_id,
                       permission_state state, const answerer& by, std::int64_t now_ms);

// Withdraws all that the session has pending (its turn or its process ended). Returns their request ids.
std::vector<std::string> withdraw_permissions(common::db::connection& c, std::string_view session_id,
                                              std::int64_t now_ms);

// As callers see it, CodeZ's shape: {requestId, toolName, description, inputPreview, toolUseId,
// input, suggestions, createdAt} and the members of its details.
std::string request_json(const permission_row& row);

}  // namespace agent::events
