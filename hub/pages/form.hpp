// Queries and bodies of forms, application/x-www-form-urlencoded (WHATWG URL §5.1), read strictly: '+' is a space, every
// '%' begins two hex digits, names and values are UTF-8 without NUL. Pure; any thread.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/http.hpp"
#include "common/net/url_encoding.hpp"

namespace hub::pages {

constexpr std::size_t form_fields_max = 256;
constexpr std::size_t form_bytes_max = 64 * 1024;  // as sent

class form {
public:
    explicit form(std::vector<std::pair<std::string, std::string>> fields) : fields_(std::move(fields)) {}

    // The first value of that name; an empty one is a value.
    std::optional<std::string_view> find(std::string_view name) const;
    // That value, or nothing.
    std::string_view get(std::string_view name) const { return find(name).value_or(std::string_view()); }
    std::size_t count(std::string_view name) const;
    // The first name that is there more than once.
    std::optional<std::string_view> doubled() const;
    const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

// No name twice. The error is a sentence for whoever sent it, without the text itself.
std::expected<form, std::string> parse_form(std::string_view text);
// For a caller that has to judge some fields before it may say that one is doubled.
std::expected<form, std::string> parse_form_with_doubles(std::string_view text);

// Says the request's Content-Type that its body is a form?
bool is_form(const common::net::http_request& request);

using common::net::encode_component;

}  // namespace hub::pages
