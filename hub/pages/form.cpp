#include "hub/pages/form.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "hub/tenancy/plain_text.hpp"

namespace hub::pages {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    if (out.contains('\0') || !tenancy::is_utf8(out)) return std::nullopt;
    return out;
}

}  // namespace

std::optional<std::string_view> form::find(std::string_view name) const {
    const auto found = std::ranges::find(fields_, name, [](const auto& f) { return std::string_view(f.first); });
    if (found == fields_.end()) return std::nullopt;
    return found->second;
}

std::size_t form::count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::ranges::count(fields_, name, [](const auto& f) { return std::string_view(f.first); }));
}

std::optional<std::string_view> form::doubled() const {
    for (const auto& [name, value] : fields_)
        if (count(name) > 1) return name;
    return std::nullopt;
}

std::expected<form, std::string> parse_form_with_doubles(std::string_view text) {
    if (text.size() > form_bytes_max) return std::unexpected("The form is too long.");
    std::vector<std::pair<std::string, std::string>> fields;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        const std::string_view field = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (field.empty()) continue;
        if (fields.size() == form_fields_max) return std::unexpected("The form has too many fields.");
        const auto equals = std::min(field.find('='), field.size());
        auto name = decode(field.substr(0, equals));
        auto value = decode(field.substr(std::min(equals + 1, field.size())));
        if (!name || !value)
            return std::unexpected(
                fmt::format("Field {} of the form is not percent-encoded UTF-8.", fields.size() + 1));
        fields.emplace_back(std::move(*name), std::move(*value));
    }
    return form(std::move(fields));
}

std::expected<form, std::string> parse_form(std::string_view text) {
    auto parsed = parse_form_with_doubles(text);
    if (parsed && parsed->doubled()) return std::unexpected("A field of the form is there twice.");
    return parsed;
}

bool is_form(const common::net::http_request& request) {
    if (request.fields.count("Content-Type") != 1) return false;
    std::string_view type = *request.fields.find("Content-Type");
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
    return tenancy::lower_case(type) == "application/x-www-form-urlencoded";
}

}  // namespace hub::pages
