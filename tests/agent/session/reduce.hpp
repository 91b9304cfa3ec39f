// Runs lines through a turn_reducer and looks at what came of them.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/claude/stream_decode.hpp"
#include "agent/session/turn_reducer.hpp"
#include "tests/agent/claude/captured.hpp"

namespace tests {

using agent::session::reduction;
using agent::session::turn_reducer;
using nlohmann::json;

inline constexpr std::int64_t now_ms = 1'800'000'000'000;
inline const std::string session_id = "bbbbbbbb-0000-4000-8000-000000000001";

inline turn_reducer fresh_reducer() {
    agent::events::session_row row;
    row.id = session_id;
    row.cwd = "/home/dev/code/proj";
    turn_reducer out(row, {});
    reduction ignored;
    out.announce(now_ms, ignored);
    return out;
}

inline void feed(turn_reducer& reducer, const std::vector<std::string>& lines, reduction& out) {
    for (const auto& line : lines) reducer.on_line(agent::claude::decode(line), now_ms, out);
}

// The events' types in order; those of one kind that follow each other are counted.
inline std::string types(const reduction& out) {
    std::string text, last;
    int count = 0;
    const auto flush = [&] {
        if (count > 0) text += (text.empty() ? "" : " ") + last + (count > 1 ? "*" + std::to_string(count) : "");
    };
    for (const auto& event : out.events) {
        if (event.type != last) {
            flush();
            last = event.type;
            count = 0;
        }
        ++count;
    }
    flush();
    return text;
}

inline std::vector<json> bodies(const reduction& out, const std::string& type) {
    std::vector<json> found;
    for (const auto& event : out.events)
        if (event.type == type) found.push_back(json::parse(event.body));
    return found;
}

}  // namespace tests
