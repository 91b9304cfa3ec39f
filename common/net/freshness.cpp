#include "common/net/freshness.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>
#include <string>

namespace common::net {
namespace {

std::optional<std::chrono::seconds> max_age_of(const http_fields& fields) {
    const auto field = fields.find("Cache-Control");
    if (!field) return std::nullopt;
    std::string control(*field);
    std::ranges::transform(control, control.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    constexpr std::string_view name = "max-age=";
    const auto at = control.find(name);
    // Not s-maxage=, which is for shared caches and spelled otherwise.
    if (at == std::string::npos || (at > 0 && control[at - 1] != ' ' && control[at - 1] != ',')) return std::nullopt;
    std::int64_t seconds = 0;
    const char* const begin = control.data() + at + name.size();
    const auto [end, ec] = std::from_chars(begin, control.data() + control.size(), seconds);
    if (ec == std::errc::result_out_of_range) return std::chrono::seconds::max();
    if (ec != std::errc() || seconds < 0) return std::nullopt;
    return std::chrono::seconds(seconds);
}

std::optional<std::chrono::seconds> time_to_expiry(const http_fields& fields,
                                                   std::chrono::system_clock::time_point now) {
    const auto field = fields.find("Expires");
    if (!field) return std::nullopt;
    std::tm utc{};
    const std::string text(*field);
    const char* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return std::chrono::seconds(::timegm(&utc) - std::chrono::system_clock::to_time_t(now));
}

}  // namespace

std::chrono::seconds freshness(const http_fields& fields, std::chrono::system_clock::time_point now,
                               freshness_bounds bounds) {
    auto lifetime = max_age_of(fields);
    if (!lifetime) lifetime = time_to_expiry(fields, now);
    return std::clamp(lifetime.value_or(bounds.min), bounds.min, bounds.max);
}

}  // namespace common::net
