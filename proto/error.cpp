#include "proto/error.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "proto/json_scanner.hpp"
#include "proto/limits.hpp"

namespace proto {
namespace {

struct code_entry {
    error_code code;
    std::string_view name;
    bool retryable;
};

constexpr std::array<code_entry, 19> codes{{
    {error_code::machine_offline, "machine_offline", true},
    {error_code::machine_ambiguous, "machine_ambiguous", false},
    {error_code::machine_revoked, "machine_revoked", false},
    {error_code::unsupported_by_machine, "unsupported_by_machine", false},
    {error_code::route_unavailable, "route_unavailable", true},
    {error_code::not_found, "not_found", false},
    {error_code::invalid_argument, "invalid_argument", false},
    {error_code::session_busy, "session_busy", true},
    {error_code::policy_denied, "policy_denied", false},
    {error_code::permission_denied, "permission_denied", false},
    {error_code::recursion_limit_exceeded, "recursion_limit_exceeded", false},
    {error_code::idempotency_conflict, "idempotency_conflict", false},
    {error_code::cursor_invalid, "cursor_invalid", false},
    {error_code::cursor_expired, "cursor_expired", false},
    {error_code::timeout, "timeout", true},
    {error_code::cancelled, "cancelled", false},
    {error_code::resource_exhausted, "resource_exhausted", true},
    // Sent again, it might act twice: the caller looks first.
    {error_code::unknown_outcome, "unknown_outcome", false},
    {error_code::internal, "internal", false},
}};

constexpr bool in_order() {
    for (std::size_t i = 0; i < codes.size(); ++i)
        if (static_cast<std::size_t>(codes[i].code) != i) return false;
    return true;
}
static_assert(in_order(), "the table is indexed by the code");

// Escapes can make six bytes of one, so the envelope stays under limits::error_bytes_max whatever is in it.
constexpr std::size_t text_bytes_max = 2 * limits::kib;
constexpr std::size_t details_bytes_max = 6 * limits::kib;
static_assert(6 * 2 * text_bytes_max + details_bytes_max + limits::kib <= limits::error_bytes_max);

std::string shortened(std::string text) {
    if (text.size() <= text_bytes_max) return text;
    std::size_t end = text_bytes_max - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;  // not in the middle of a character
    text.resize(end);
    return text + "...";
}

std::string dump(const nlohmann::ordered_json& value) {
    return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::string_view to_string(error_code code) { return codes[static_cast<std::size_t>(code)].name; }

std::optional<error_code> parse_error_code(std::string_view name) {
    for (const auto& entry : codes)
        if (entry.name == name) return entry.code;
    return std::nullopt;
}

bool is_retryable(error_code code) { return codes[static_cast<std::size_t>(code)].retryable; }

std::unexpected<error> fail(error_code code, std::string message, std::string hint, std::string details) {
    return std::unexpected(error{code, std::move(message), std::move(hint), std::move(details)});
}

std::string to_json(const error& e, std::string_view request_id) {
    nlohmann::ordered_json envelope = {
        {"code", to_string(e.code)},
        {"message", shortened(e.message)},
        {"hint", shortened(e.hint)},
        {"retryable", is_retryable(e.code)},
        {"request_id", request_id.substr(0, limits::id_bytes_max)},
    };
    if (e.details.size() <= details_bytes_max && is_json_object(e.details)) {
        auto details = nlohmann::ordered_json::parse(e.details, nullptr, false);
        if (dump(details).size() <= details_bytes_max) envelope["details"] = std::move(details);
    }
    return dump(envelope);
}

std::optional<error> parse_error(std::string_view json) {
    if (!is_json_object(json, limits::error_bytes_max)) return std::nullopt;
    const auto envelope = nlohmann::ordered_json::parse(json, nullptr, false);
    const auto text = [&](const char* name) -> std::optional<std::string> {
        const auto it = envelope.find(name);
        if (it == envelope.end() || !it->is_string()) return std::nullopt;
        return it->get<std::string>();
    };
    const auto code = text("code");
    const auto message = text("message");
    if (!code || !message) return std::nullopt;
    error e;
    e.code = parse_error_code(*code).value_or(error_code::internal);
    e.message = *message;
    e.hint = text("hint").value_or("");
    if (const auto it = envelope.find("details"); it != envelope.end() && it->is_object()) e.details = dump(*it);
    return e;
}

}  // namespace proto
