// Sessions, messages and permission requests as the tools show them (CodeZ's shapes). Pure.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "agent/history/projects.hpp"
#include "agent/session/engine.hpp"
#include "agent/tools/tool.hpp"

namespace agent::tools {

nlohmann::json session_json(const session::summary& s, const machine_identity& machine);
nlohmann::json session_json(const history::session& s, const machine_identity& machine);
nlohmann::json permission_json(const session::pending_permission& p);
nlohmann::json permissions_json(const std::vector<session::pending_permission>& pending);

// "[a,b,c]" of raw JSON texts.
std::string raw_array(const std::vector<std::string>& items);

}  // namespace agent::tools
