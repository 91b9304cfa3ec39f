// What the tools that make a session answer, and what an earlier self of such a call made.
#pragma once

#include <optional>
#include <string>

#include "agent/tools/tool.hpp"

namespace agent::tools {

nlohmann::json made_json(const services& s, const session::created& made);

// The session of that id, made by an earlier self of the call that was cut off before it could answer; the same as it
// would have answered.
boost::asio::awaitable<proto::result<std::optional<session::created>>> made_before(const services& s, std::string id);

}  // namespace agent::tools
