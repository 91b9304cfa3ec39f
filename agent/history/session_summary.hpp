// What the head and the tail of a transcript tell about its session. Blocking, two bounded reads.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "agent/history/projects.hpp"

namespace agent::history {

// None if it is no regular file. The id and the slug are left to the caller.
std::optional<session> summarize(const std::filesystem::path& transcript);

}  // namespace agent::history
