// One line of claude's stdout into a typed message. Never fails and never throws: what cannot be read is an
// unreadable_line. Stateless.
#pragma once

#include <cstddef>
#include <string_view>

#include "agent/claude/stream_message.hpp"

namespace agent::claude {

// Tool results carry whole files; the largest that were seen are some MiB.
inline constexpr std::size_t line_bytes_max = 32u << 20;
// nlohmann writes recursively, so the depth bounds our stack. Real lines need about 12.
inline constexpr std::size_t line_depth_max = 128;

stream_message decode(std::string_view line);

}  // namespace agent::claude
