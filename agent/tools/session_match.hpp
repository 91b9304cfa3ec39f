// Callers may give a session's slug or cwd beside its id, as CodeZ's clients do: then they must be the session's own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/tools/tool.hpp"

namespace agent::tools {

// As claude spells it, or as CodeZ does ('/' → '-' and nothing else).
bool is_slug_of(std::string_view given, std::string_view slug, std::string_view cwd);

// The error if `slug` or `cwd` of the arguments is another session's.
std::optional<proto::error> check_slug(const call_context& c, std::string_view slug, std::string_view cwd);

}  // namespace agent::tools
