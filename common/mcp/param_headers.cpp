#include "common/mcp/param_headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/mcp/json_members.hpp"
#include "proto/base64url.hpp"
#include "proto/limits.hpp"

namespace common::mcp {
namespace {

using nlohmann::json;

constexpr std::string_view annotation = "x-mcp-header";
constexpr std::string_view base64_head = "=?base64?";
constexpr std::string_view base64_tail = "?=";

// Base64 with padding (RFC 4648 §4): the same bits as base64url, which is the decoder there is.
std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string url(text);
    for (int padding = 0; padding < 2 && url.ends_with('='); ++padding) url.pop_back();
    for (char& c : url) {
        if (c == '-' || c == '_' || c == '=') return std::nullopt;
        if (c == '+') c = '-';
        if (c == '/') c = '_';
    }
    return proto::base64url_decode(url);
}

bool is_utf8(std::string_view text) {
    try {
        const std::string dumped = json(text).dump();  // strict: throws for anything else
        return !dumped.empty();
    } catch (const json::exception&) {
        return false;
    }
}

bool is_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";  // RFC 9110 §5.6.2
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.contains(c);
    });
}

std::string lower(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

// Walks a schema until something is wrong. Properties are the only way down that keeps a value at one
// place of the arguments.
class annotation_reader {
public:
    std::vector<header_parameter> found;
    std::string wrong;  // a sentence; empty if nothing is

    void read(const json& schema, std::vector<std::string>& path, bool is_reachable) {
        if (!schema.is_object() || !wrong.empty()) return;
        if (schema.contains(annotation)) take(schema, path, is_reachable);
        for (const auto& [keyword, value] : schema.items()) {
            constexpr std::array<std::string_view, 5> data{"default", "examples", "const", "enum", annotation};
            if (std::ranges::find(data, keyword) != data.end()) continue;
            if (keyword == "properties" && value.is_object()) {
                for (const auto& [name, property] : value.items()) {
                    path.push_back(name);
                    read(property, path, is_reachable);
                    path.pop_back();
                }
            } else if (value.is_object()) {
                read_unreachable(value, path);
            } else if (value.is_array()) {
                for (const json& element : value) read_unreachable(element, path);
            }
        }
    }

private:
    // Keywords hold a schema ("items") or schemas by name ("$defs"), and either is looked at as both.
    void read_unreachable(const json& value, std::vector<std::string>& path) {
        read(value, path, false);
        if (!value.is_object()) return;
        for (const auto& [name, schema] : value.items()) {
            if (schema.is_object() && name != "properties") read(schema, path, false);
        }
    }

    void take(const json& schema, const std::vector<std::string>& path, bool is_reachable) {
        const json& name = schema.at(annotation);
        const std::string where = path.empty() ? "the schema's root" : fmt::format("\"{}\"", path.back());
        if (!is_reachable || path.empty()) {
            wrong = fmt::format("x-mcp-header at {}: only properties of objects may have it.", where);
            return;
        }
        if (!name.is_string() || !is_token(name.get<std::string>())) {
            wrong = fmt::format("x-mcp-header at {} is not the name of a header field.", where);
            return;
        }
        const std::string type = schema.value("type", json()).is_string() ? schema["type"].get<std::string>() : "";
        if (type != "string" && type != "integer" && type != "boolean") {
            wrong = fmt::format("x-mcp-header at {}: its type must be string, integer or boolean.", where);
            return;
        }
        header_parameter parameter{name.get<std::string>(), path};
        if (!names_.insert(lower(parameter.header)).second) {
            wrong = fmt::format("x-mcp-header at {}: two properties have the name \"{}\".", where, parameter.header);
            return;
        }
        found.push_back(std::move(parameter));
    }

    std::set<std::string> names_;
};

// The raw value at a path of the arguments; empty if there is none.
std::string_view value_at(std::string_view object, const std::vector<std::string>& path) {
    for (const std::string& name : path) {
        if (kind_of(object) != json_kind::object) return {};
        const std::array<std::string_view, 1> names{name};
        std::array<std::string_view, 1> values;
        // A name that occurs twice has no value that both sides agree on: nothing matches it.
        if (!read_members(object, names, values)) return "[]";
        object = values[0];
    }
    return object;
}

std::optional<double> to_number(std::string_view text) {
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(text.data(), end, number);
    if (ec != std::errc{} || stop != end) return std::nullopt;
    return number;
}

}  // namespace

std::optional<std::string> decode_field(std::string_view value) {
    const bool is_plain = std::ranges::all_of(value, [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
    if (!is_plain) return std::nullopt;
    const bool is_encoded = value.size() >= base64_head.size() + base64_tail.size() && value.starts_with(base64_head) &&
                            value.ends_with(base64_tail);
    if (!is_encoded) return std::string(value);
    value.remove_prefix(base64_head.size());
    value.remove_suffix(base64_tail.size());
    std::optional<std::string> decoded = decode_base64(value);
    if (decoded && !is_utf8(*decoded)) return std::nullopt;
    return decoded;
}

std::expected<std::vector<header_parameter>, std::string> header_parameters_of(std::string_view input_schema) {
    const json schema = json::parse(input_schema, nullptr, false);
    if (!schema.is_object()) return std::unexpected("The input schema is not a JSON object.");
    annotation_reader reader;
    std::vector<std::string> path;
    reader.read(schema, path, true);
    if (!reader.wrong.empty()) return std::unexpected(std::move(reader.wrong));
    return std::move(reader.found);
}

bool field_matches(const header_parameter& parameter, std::string_view arguments,
                   std::optional<std::string_view> field) {
    const std::string_view value = value_at(arguments, parameter.path);
    const json_kind kind = kind_of(value);
    if (kind == json_kind::none || kind == json_kind::null) return !field;
    if (!field) return kind == json_kind::object || kind == json_kind::array;  // the schema refuses those
    const std::optional<std::string> said = decode_field(*field);
    if (!said) return false;
    switch (kind) {
        case json_kind::string:
            return decode_string(value, proto::limits::http_headers_bytes_max) == said;
        case json_kind::boolean:
            return *said == value;
        case json_kind::integer:
        case json_kind::fraction: {
            if (*said == value) return true;
            const std::optional<double> number = to_number(value);
            return number && number == to_number(*said);
        }
        default:
            return false;
    }
}

}  // namespace common::mcp
