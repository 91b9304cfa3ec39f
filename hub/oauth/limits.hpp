// The authorization server's lifetimes and bounds. Only the hub's; those that machines share are in proto/limits.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hub::oauth::limits {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr std::int64_t day_ms = 24 * hour_ms;

constexpr std::int64_t request_ms = 10 * minute_ms;  // a person signs in and decides
constexpr std::int64_t code_ms = minute_ms;          // RFC 6749 §4.1.2 recommends at most 10 minutes
constexpr std::int64_t access_token_ms = hour_ms;
constexpr std::int64_t refresh_idle_ms = 30 * day_ms;
constexpr std::int64_t refresh_absolute_ms = 180 * day_ms;
// Real clients refresh with one token from several processes at once; within the grace each gets a pair of its own.
constexpr std::int64_t refresh_grace_ms = 120'000;
constexpr int refresh_replays_max = 10;

constexpr std::int64_t device_ms = 10 * minute_ms;
constexpr std::int64_t device_interval_ms = 2000;   // between polls
constexpr std::int64_t device_slow_down_ms = 5000;  // RFC 8628 §3.5
constexpr std::int64_t devices_open_max = 1000;

constexpr std::int64_t client_unused_ms = day_ms;  // registered, but nobody ever granted it anything
constexpr std::int64_t client_idle_ms = 180 * day_ms;
constexpr std::int64_t clients_unused_max = 1000;
constexpr std::int64_t requests_open_max = 10'000;

constexpr std::size_t registration_bytes_max = 16 * 1024;
constexpr int registration_depth_max = 8;
constexpr std::size_t redirect_uris_max = 10;
constexpr std::size_t redirect_uri_bytes_max = 2048;
constexpr std::size_t client_name_bytes_max = 100;
constexpr std::size_t client_id_bytes_max = 2048;
constexpr std::size_t state_bytes_max = 4096;  // Claude's and Cursor's are below 200
constexpr std::size_t scope_bytes_max = 2048;
constexpr std::size_t nonce_bytes_max = 512;
constexpr std::size_t form_bytes_max = 32 * 1024;

}  // namespace hub::oauth::limits
