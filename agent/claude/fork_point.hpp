// Where a copy of a conversation branches off. Blocks for as long as reading the end of a transcript takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace agent::claude {

struct fork_point {
    std::string message;          // uuid of the last answer in the main conversation: --resume-session-at takes it
    std::int64_t end_offset = 0;  // of the transcript as it was read
};

// None: nothing was answered yet, as far as the transcript's end tells.
std::optional<fork_point> last_answer(const std::filesystem::path& transcript);

}  // namespace agent::claude
