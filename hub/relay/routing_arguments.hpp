// The few arguments of a call that decide where it goes, read without building the rest. The machine
// validates all of them against the schema; here only their form counts. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/error.hpp"

namespace hub::relay {

struct routing_arguments {
    std::string machine;  // id or name
    std::string session_id;
    std::string cursor;
    std::optional<std::int64_t> timeout_ms;
};

// `raw` is one JSON object. Fails with invalid_argument naming the field.
proto::result<routing_arguments> read_routing_arguments(std::string_view raw);

}  // namespace hub::relay
