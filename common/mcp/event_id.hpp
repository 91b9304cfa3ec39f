// Event ids of the streams that can be resumed: a sealed name of the stream, bound to the session, and the number of the
// event on it. Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/mcp/engine.hpp"

namespace common::mcp {

struct stream_name {
    bool is_call = false;    // else the session's own stream
    std::string name;        // unique, random
    std::string request_id;  // the call's, raw: where its stream is lost, this can still be answered
};

// What all ids of a stream begin with.
std::string event_prefix(const engine_options& options, std::string_view session, const stream_name& stream);
std::string event_id(std::string_view prefix, std::size_t number);

struct event_position {
    stream_name stream;
    std::size_t number = 0;
};
// Nullopt for what is no id of this session.
std::optional<event_position> read_event_id(const engine_options& options, std::string_view session,
                                            std::string_view id);

}  // namespace common::mcp
