// Requests that need nobody's answer: the machine's rules and what was allowed for the session. Looks at the file system,
// for where a path's links lead.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/events/permission_rows.hpp"
#include "agent/policy/tool_rules.hpp"
#include "agent/session/engine.hpp"
#include "agent/session/turn_memory.hpp"

namespace agent::session {

struct permission_decision {
    permission_answer answer;
    events::answerer by;
};

// Nothing: somebody must be asked. Questions and plans always are, unless a rule denies them.
std::optional<permission_decision> decide_permission(const events::permission_row& asked,
                                                     const std::filesystem::path& cwd, const tool_rules& rules,
                                                     const std::vector<permission_grant>& grants);

// The rules that allow this request, and what claude takes for the same, for the whole session.
proto::result<std::vector<std::string>> grants_for(const events::permission_row& asked,
                                                   const std::filesystem::path& cwd);

}  // namespace agent::session
