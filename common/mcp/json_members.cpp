#include "common/mcp/json_members.hpp"

#include <charconv>
#include <system_error>

#include <nlohmann/json.hpp>

namespace common::mcp {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::size_t skip_spaces(std::string_view text, std::size_t at) {
    while (at < text.size() && is_space(text[at])) ++at;
    return at;
}

// `at` is on the opening quote; answers the position after the closing one, or the end.
std::size_t skip_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size();) {
        const std::size_t stop = text.find_first_of("\"\\", at);
        if (stop == std::string_view::npos) return text.size();
        if (text[stop] == '"') return stop + 1;
        at = stop + 2;
    }
    return text.size();
}

// Answers the position after the value that starts at `at`. Brackets are counted, not matched: the scanner did that.
std::size_t skip_value(std::string_view text, std::size_t at) {
    if (at >= text.size()) return text.size();
    if (text[at] == '"') return skip_string(text, at);
    if (text[at] != '{' && text[at] != '[') {
        const std::size_t stop = text.find_first_of(",]} \t\r\n", at);
        return stop == std::string_view::npos ? text.size() : stop;
    }
    std::size_t open = 0;
    while (at < text.size()) {
        at = text.find_first_of("\"{}[]", at);
        if (at == std::string_view::npos) return text.size();
        if (text[at] == '"') {
            at = skip_string(text, at);
            continue;
        }
        const bool opens = text[at] == '{' || text[at] == '[';
        ++at;
        if (opens)
            ++open;
        else if (--open == 0)
            return at;
    }
    return text.size();
}

// The character that the four digits of a \uXXXX stand for, if it is ASCII; else −1.
int ascii_of(std::string_view digits) {
    unsigned value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, ec] = std::from_chars(digits.data(), end, value, 16);
    return ec == std::errc{} && stop == end && digits.size() == 4 && value < 0x80 ? static_cast<int>(value) : -1;
}

// Compares without decoding into a string: a hostile body may hold a million escaped keys. Names are plain ASCII.
bool escaped_key_is(std::string_view key, std::string_view name) {
    while (!key.empty() && !name.empty()) {
        int c = static_cast<unsigned char>(key.front());
        std::size_t used = 1;
        if (c == '\\' && key.size() > 1) {
            const bool is_unicode = key[1] == 'u';
            c = is_unicode ? ascii_of(key.substr(2, 4)) : key[1] == '/' ? '/' : -1;
            used = is_unicode ? 6 : 2;
        }
        if (c != static_cast<unsigned char>(name.front()) || used > key.size()) return false;
        key.remove_prefix(used);
        name.remove_prefix(1);
    }
    return key.empty() && name.empty();
}

bool key_is(std::string_view raw_key, std::string_view name) {
    return escaped_key_is(raw_key.substr(1, raw_key.size() - 2), name);
}

// `visit` answers false to end early. A template, since every request is looked through by it.
template <class visitor>
void scan_members(std::string_view object, visitor visit) {
    std::size_t at = skip_spaces(object, 0);
    if (at >= object.size() || object[at] != '{') return;
    at = skip_spaces(object, at + 1);
    while (at < object.size() && object[at] == '"') {
        const std::size_t key_end = skip_string(object, at);
        const std::string_view key = object.substr(at, key_end - at);
        at = skip_spaces(object, key_end);
        if (at >= object.size() || object[at] != ':' || key.size() < 2) return;
        at = skip_spaces(object, at + 1);
        const std::size_t value_end = skip_value(object, at);
        if (!visit(key, object.substr(at, value_end - at))) return;
        at = skip_spaces(object, value_end);
        if (at >= object.size() || object[at] != ',') return;
        at = skip_spaces(object, at + 1);
    }
}

}  // namespace

json_kind kind_of(std::string_view value) {
    if (value.empty()) return json_kind::none;
    switch (value.front()) {
        case '{':
            return json_kind::object;
        case '[':
            return json_kind::array;
        case '"':
            return json_kind::string;
        case 't':
        case 'f':
            return json_kind::boolean;
        case 'n':
            return json_kind::null;
        default:
            return value.find_first_of(".eE") == std::string_view::npos ? json_kind::integer : json_kind::fraction;
    }
}

std::string_view trim_json(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

void for_each_member(std::string_view object,
                     const std::function<bool(std::string_view raw_key, std::string_view value)>& visit) {
    scan_members(object, visit);
}

bool read_members(std::string_view object, std::span<const std::string_view> names,
                  std::span<std::string_view> values) {
    for (std::string_view& value : values) value = {};
    bool is_unique = true;
    scan_members(object, [&](std::string_view key, std::string_view value) {
        for (std::size_t i = 0; i < names.size() && i < values.size(); ++i) {
            if (!key_is(key, names[i])) continue;
            is_unique &= values[i].empty();
            values[i] = value;
        }
        return is_unique;
    });
    return is_unique;
}

bool read_elements(std::string_view array, std::size_t elements_max, std::vector<std::string_view>& elements) {
    std::size_t at = skip_spaces(array, 0);
    if (at >= array.size() || array[at] != '[') return false;
    at = skip_spaces(array, at + 1);
    if (at < array.size() && array[at] == ']') return true;
    while (at < array.size()) {
        if (elements.size() == elements_max) return false;
        const std::size_t end = skip_value(array, at);
        elements.push_back(array.substr(at, end - at));
        at = skip_spaces(array, end);
        if (at >= array.size() || array[at] != ',') return at < array.size() && array[at] == ']';
        at = skip_spaces(array, at + 1);
    }
    return false;
}

split_outcome split_objects(std::string_view array, std::size_t elements_max, std::vector<std::string_view>& elements) {
    array = trim_json(array);
    if (array.empty() || array.front() != '[') return split_outcome::malformed;
    std::size_t at = skip_spaces(array, 1);
    if (at < array.size() && array[at] == ']') {
        return at + 1 == array.size() ? split_outcome::ok : split_outcome::malformed;
    }
    while (at < array.size()) {
        if (array[at] != '{') return split_outcome::not_objects;
        if (elements.size() == elements_max) return split_outcome::too_many;
        const std::size_t end = skip_value(array, at);
        elements.push_back(array.substr(at, end - at));
        at = skip_spaces(array, end);
        if (at >= array.size()) break;
        if (array[at] == ']') return at + 1 == array.size() ? split_outcome::ok : split_outcome::malformed;
        if (array[at] != ',') return split_outcome::malformed;
        at = skip_spaces(array, at + 1);
    }
    return split_outcome::malformed;
}

std::optional<std::string> decode_string(std::string_view value, std::size_t bytes_max) {
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::nullopt;
    const std::string_view inner = value.substr(1, value.size() - 2);
    if (inner.size() > bytes_max) return std::nullopt;
    if (inner.find('\\') == std::string_view::npos) return std::string(inner);
    const nlohmann::json decoded = nlohmann::json::parse(value, nullptr, false);
    if (!decoded.is_string()) return std::nullopt;
    return decoded.get<std::string>();
}

}  // namespace common::mcp
