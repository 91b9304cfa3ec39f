// An event reader's position: per machine the log it read and the last seq it has. Opaque text for clients, the same on
// every hub and agent, valid across all restarts. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/error.hpp"

namespace proto {

struct cursor_entry {
    std::string machine_id;
    std::string log_id;     // the log's identity: a rebuilt log gives a gap, not wrong events
    std::int64_t seq = 0;   // the last event that the reader has
    std::int64_t live = 0;  // the last ephemeral one, as the log counts them; 0 if none
    bool operator==(const cursor_entry&) const = default;
};

struct cursor {
    std::vector<cursor_entry> entries;  // by machine_id, no machine twice; 1 to 4 in a text
    bool operator==(const cursor&) const = default;
};

// Sorts the entries. Precondition: within the limits.
std::string encode_cursor(cursor c);
// Anything but a text that encode_cursor() made is cursor_invalid.
result<cursor> decode_cursor(std::string_view text);

}  // namespace proto
