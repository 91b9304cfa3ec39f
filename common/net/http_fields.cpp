#include <algorithm>

#include "common/net/http.hpp"

namespace common::net {
namespace {

// Field names are ASCII (RFC 9110 §5.1), so no locale has a say.
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }

}  // namespace

std::optional<std::string_view> http_fields::find(std::string_view name) const {
    for (const auto& [key, value] : fields_) {
        if (same_name(key, name)) return value;
    }
    return std::nullopt;
}

std::size_t http_fields::count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(fields_, [name](const auto& field) { return same_name(field.first, name); }));
}

}  // namespace common::net
