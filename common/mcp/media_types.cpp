#include "common/mcp/media_types.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace common::mcp {
namespace {

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_without_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// Splits off what stands before the next `separator`, trimmed.
std::string_view take_until(std::string_view& rest, char separator) {
    const std::size_t at = rest.find(separator);
    const std::string_view part = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
    return trim(part);
}

// A weight of zero means "not acceptable": q=0, q=0.0 …
bool is_excluded(std::string_view parameters) {
    while (!parameters.empty()) {
        const std::string_view parameter = take_until(parameters, ';');
        if (parameter.size() < 3 || !same_without_case(parameter.substr(0, 2), "q=")) continue;
        return parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
    }
    return false;
}

}  // namespace

accepted_types read_accept(const net::http_fields& fields) {
    // The most specific range decides, so each kind of range is noted by itself (RFC 9110 §12.5.1).
    std::optional<bool> anything, any_application, any_text, json, events;
    bool is_absent = true;
    for (const auto& [name, value] : fields.all()) {
        if (!same_without_case(name, "accept")) continue;
        std::string_view ranges = value;
        while (!ranges.empty()) {
            std::string_view parameters = take_until(ranges, ',');
            const std::string_view type = take_until(parameters, ';');
            if (type.empty()) continue;
            is_absent = false;
            const bool accepted = !is_excluded(parameters);
            if (type == "*/*")
                anything = accepted;
            else if (same_without_case(type, "application/*"))
                any_application = accepted;
            else if (same_without_case(type, "text/*"))
                any_text = accepted;
            else if (same_without_case(type, "application/json"))
                json = accepted;
            else if (same_without_case(type, "text/event-stream"))
                events = accepted;
        }
    }
    accepted_types types;
    types.json = is_absent || json.value_or(any_application.value_or(anything.value_or(false)));
    types.events = events.value_or(any_text.value_or(false));
    return types;
}

bool has_json_content(const net::http_fields& fields) {
    if (fields.count("content-type") != 1) return false;
    const std::optional<std::string_view> encoding = fields.find("content-encoding");
    if (encoding && !same_without_case(trim(*encoding), "identity")) return false;
    std::string_view value = *fields.find("content-type");
    return same_without_case(take_until(value, ';'), "application/json");
}

}  // namespace common::mcp
