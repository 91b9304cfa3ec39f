// What a spawner and its holder tell each other through the holder's stdin and stdout before the socket takes over, and
// the exit record on disk. All are JSON documents by agent/hold/README.md. Plain values, no I/O.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "agent/hold/client.hpp"

namespace agent::hold {

inline constexpr std::size_t start_bytes_max = 4u << 20;  // argv and environment; ARG_MAX is 2 MiB on Linux

// The errors are sentences that name the member. JSON cannot carry bytes that are not UTF-8.
std::expected<std::string, std::string> to_json(const spawn_spec& spec);
std::expected<spawn_spec, std::string> parse_spawn_spec(std::string_view json);

// Started: claude's pid. Failed: hold_errc::locked or start_failed.
using start_report = std::expected<int, hold_error>;
std::string to_json(const start_report& report);
start_report parse_start_report(std::string_view json);

std::string to_json(const exit_info& info);
std::optional<exit_info> parse_exit_info(std::string_view json);

}  // namespace agent::hold
