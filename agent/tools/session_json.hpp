// Sessions, messages and permission requests as the tools show them (CodeZ's shapes). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/history/projects.hpp"
#include "agent/session/engine.hpp"
#include "agent/tools/tool.hpp"

namespace agent::tools {

nlohmann::json session_json(const session::summary& s, const machine_identity& machine);
nlohmann::json session_json(const history::session& s, const machine_identity& machine);
nlohmann::json activity_json(const session::activity& now);
nlohmann::json permission_json(const session::pending_permission& p);
nlohmann::json permissions_json(const std::vector<session::pending_permission>& pending);
nlohmann::json grants_json(const std::vector<session::permission_grant>& grants);

// How many permission requests wait, by session; sessions without one are missing.
boost::asio::awaitable<proto::result<std::map<std::string, std::int64_t>>> pending_by_session(const services& s);

// "[a,b,c]" of raw JSON texts.
std::string raw_array(const std::vector<std::string>& items);

}  // namespace agent::tools
