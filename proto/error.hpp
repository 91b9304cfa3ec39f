// The error codes that a caller may see, the same over MCP, REST, the link and the command line.
// Plain values; no thread affinity.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace proto {

enum class error_code : std::uint8_t {
    machine_offline,
    machine_ambiguous,
    machine_revoked,
    unsupported_by_machine,
    route_unavailable,
    not_found,
    invalid_argument,
    session_busy,
    policy_denied,
    permission_denied,
    recursion_limit_exceeded,
    idempotency_conflict,
    cursor_invalid,
    cursor_expired,
    timeout,
    cancelled,
    resource_exhausted,
    unknown_outcome,
    internal,
};

// The wire name, e.g. "machine_offline".
std::string_view to_string(error_code code);
std::optional<error_code> parse_error_code(std::string_view name);

// May the same call be sent again, unchanged, with a chance of success?
bool is_retryable(error_code code);

// `message` says what happened, `hint` what to do about it. Both are sentences for a person.
// `details` is empty or one raw JSON object, e.g. the choices of machine_ambiguous.
struct error {
    error_code code = error_code::internal;
    std::string message;
    std::string hint;
    std::string details;

    bool operator==(const error&) const = default;
};

template <class T>
using result = std::expected<T, error>;

std::unexpected<error> fail(error_code code, std::string message, std::string hint = {}, std::string details = {});

// The envelope {code, message, hint, retryable, request_id, details?} as JSON text.
std::string to_json(const error& e, std::string_view request_id);
// The reverse, for what a peer sent. Unknown codes become `internal`; nullopt if it is not such an envelope.
std::optional<error> parse_error(std::string_view json);

}  // namespace proto
