#include "proto/schema.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <regex>
#include <set>

#include "proto/json_scanner.hpp"
#include "proto/limits.hpp"

namespace proto {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 13> checked{"type",    "properties", "required",  "additionalProperties",
                                                   "enum",    "const",      "minLength", "maxLength",
                                                   "minimum", "maximum",    "pattern",   "items",
                                                   "maxItems"};
constexpr std::array<std::string_view, 4> told_only{"description", "title", "default", "examples"};
// std::regex recurses once a character where a pattern repeats.
constexpr std::size_t pattern_bytes_max = 256;

std::size_t characters(std::string_view utf8) {
    return static_cast<std::size_t>(
        std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// 5000.0 is an integer as well (JSON Schema 2020-12 §6.1.1), and some clients write so.
bool is_integer(const json& value) {
    if (value.is_number_integer()) return true;
    if (!value.is_number_float()) return false;
    const auto number = value.get<double>();
    return std::trunc(number) == number && std::abs(number) <= 9007199254740992.0;
}

bool has_type(const json& value, std::string_view type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return is_integer(value);
    if (type == "number") return value.is_number();
    if (type == "boolean") return value.is_boolean();
    return type == "null" && value.is_null();
}

std::string as_text(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string joined(const json& values) {
    std::string text;
    for (const auto& value : values) text.append(text.empty() ? "" : ", ").append(as_text(value));
    return text;
}

std::string range(const json& schema, const char* low, const char* high, std::string_view unit) {
    const bool has_low = schema.contains(low);
    const bool has_high = schema.contains(high);
    std::string text;
    if (has_low && has_high)
        text = " between " + schema[low].dump() + " and " + schema[high].dump();
    else if (has_low)
        text = " of at least " + schema[low].dump();
    else if (has_high)
        text = " of at most " + schema[high].dump();
    return text.empty() ? text : text.append(unit);
}

// What a value must be, as in "`x` must be …".
std::string expected(const json& schema) {
    if (schema.contains("const")) return as_text(schema["const"]);
    if (schema.contains("enum")) return "one of " + joined(schema["enum"]);
    const auto type = schema.value("type", "");
    if (type == "integer" || type == "number")
        return (type == "integer" ? "an integer" : "a number") + range(schema, "minimum", "maximum", "");
    if (type == "string") {
        const auto lengths = range(schema, "minLength", "maxLength", " characters");
        return lengths.empty() ? "a string" : "a string of a length" + lengths;
    }
    if (type == "boolean") return "true or false";
    if (type == "array") return "a list" + range(schema, "minItems", "maxItems", " entries");
    return type == "object" ? "an object" : type;
}

std::unexpected<error> refuse(std::string message, std::string hint = {}) {
    return fail(error_code::invalid_argument, std::move(message), std::move(hint));
}

std::string quoted(const std::string& path) { return path.empty() ? "The value" : "`" + path + "`"; }

std::unexpected<error> mismatch(const std::string& path, const json& schema) {
    return refuse(quoted(path) + " must be " + expected(schema) + ".", schema.value("description", ""));
}

bool length_fits(const json& schema, const std::string& text) {
    if (!schema.contains("minLength") && !schema.contains("maxLength")) return true;
    const auto length = characters(text);
    return length >= schema.value("minLength", std::size_t{0}) && length <= schema.value("maxLength", SIZE_MAX);
}

// As doubles: nlohmann compares an unsigned above INT64_MAX with a signed number as if it were negative.
bool number_fits(const json& schema, const json& value) {
    const auto number = value.get<double>();
    const auto low = schema.find("minimum");
    const auto high = schema.find("maximum");
    return (low == schema.end() || number >= low->get<double>()) &&
           (high == schema.end() || number <= high->get<double>());
}

// Plain prefixes ("^/") may stand before long texts; everything else is bounded by its maxLength.
bool pattern_fits(const std::string& pattern, const std::string& text) {
    const bool repeats = pattern.find_first_of("*+{") != std::string::npos;
    if (repeats && text.size() > pattern_bytes_max) return false;
    return std::regex_search(text, std::regex(pattern, std::regex::ECMAScript));
}

result<void> check(const json& schema, const json& value, const std::string& path);

result<void> check_object(const json& schema, const json& value, const std::string& path) {
    const auto name_of = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
    const auto properties = schema.find("properties");
    const bool closed = schema.contains("additionalProperties") && schema["additionalProperties"] == false;
    for (const auto& [key, member] : value.items()) {
        const bool known = properties != schema.end() && properties->contains(key);
        if (known) {
            if (auto inner = check((*properties)[key], member, name_of(key)); !inner) return inner;
        } else if (closed) {
            std::string names;
            if (properties != schema.end())
                for (const auto& [name, unused] : properties->items())
                    names.append(names.empty() ? "" : ", ").append(name);
            // The name comes from outside: shortened, it cannot fill a log.
            return refuse(quoted(name_of(key.substr(0, limits::id_bytes_max))) + " is not known here.",
                          names.empty() ? "It takes no parameters." : "Known are: " + names + ".");
        }
    }
    if (const auto required = schema.find("required"); required != schema.end())
        for (const auto& name : *required)
            if (const auto& key = name.get_ref<const std::string&>(); !value.contains(key)) {
                const bool described = properties != schema.end() && properties->contains(key);
                return refuse(quoted(name_of(key)) + " is missing.",
                              described ? (*properties)[key].value("description", "") : "");
            }
    return {};
}

result<void> check(const json& schema, const json& value, const std::string& path) {
    if (const auto type = schema.find("type"); type != schema.end() && !has_type(value, type->get<std::string>()))
        return mismatch(path, schema);
    if (const auto choices = schema.find("enum");
        choices != schema.end() && std::ranges::find(*choices, value) == choices->end())
        return mismatch(path, schema);
    if (const auto constant = schema.find("const"); constant != schema.end() && *constant != value)
        return mismatch(path, schema);
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        if (!length_fits(schema, text)) return mismatch(path, schema);
        if (const auto pattern = schema.find("pattern");
            pattern != schema.end() && !pattern_fits(pattern->get<std::string>(), text))
            return refuse(quoted(path) + " must match " + pattern->get<std::string>() + ".",
                          schema.value("description", ""));
    }
    if (value.is_number() && !number_fits(schema, value)) return mismatch(path, schema);
    if (value.is_array()) {
        if (value.size() > schema.value("maxItems", SIZE_MAX)) return mismatch(path, schema);
        if (const auto items = schema.find("items"); items != schema.end())
            for (std::size_t i = 0; i < value.size(); ++i)
                if (auto inner = check(*items, value[i], path + "[" + std::to_string(i) + "]"); !inner) return inner;
    }
    return value.is_object() ? check_object(schema, value, path) : result<void>{};
}

// Counts what a parser builds and notes keys of the outermost object that come twice: hub and agent must not be able to
// read two different things out of one call.
class parse_guard {
public:
    bool operator()(int depth, json::parse_event_t event, const json& parsed) {
        if (event == json::parse_event_t::key && depth == 1 &&
            !keys_.insert(parsed.get_ref<const std::string&>()).second && !repeated_)
            repeated_ = parsed.get<std::string>();
        return ++nodes_ <= limits::json_nodes_max;
    }
    bool too_many() const { return nodes_ > limits::json_nodes_max; }
    const std::optional<std::string>& repeated() const { return repeated_; }

private:
    std::size_t nodes_ = 0;
    std::set<std::string> keys_;
    std::optional<std::string> repeated_;
};

void find_unknown(const json& schema, const std::string& path, std::vector<std::string>& found) {
    for (const auto& [keyword, value] : schema.items()) {
        const auto here = path + "/" + keyword;
        const bool known = std::ranges::find(checked, keyword) != checked.end() ||
                           std::ranges::find(told_only, keyword) != told_only.end();
        if (!known || (keyword == "additionalProperties" && value != false)) found.push_back(here);
        if (keyword == "pattern" && value.get<std::string>().find_first_of("*+{") != std::string::npos &&
            schema.value("maxLength", SIZE_MAX) > pattern_bytes_max)
            found.push_back(here);  // validate() would refuse every longer text
        if (keyword == "items") find_unknown(value, here, found);
        if (keyword == "properties")
            for (const auto& [name, property] : value.items()) find_unknown(property, here + "/" + name, found);
    }
}

}  // namespace

result<void> validate(const json& schema, const json& value) { return check(schema, value, ""); }

result<json> parse_arguments(const tool& t, std::string_view raw) {
    if (raw.empty()) raw = "{}";
    json_scanner scanner(limits::arguments_bytes_max);
    if (scanner.feed(raw) != json_scanner::status::complete) {
        const auto reason = scanner.reason().empty() ? "it ends too early" : scanner.reason();
        return refuse("The arguments of " + t.name + " are not one JSON object: " + std::string(reason) + ".",
                      "Send an object such as {\"name\": \"value\"}.");
    }
    parse_guard guard;
    auto value = json::parse(raw, std::ref(guard), false);
    if (guard.too_many())
        return refuse("The arguments of " + t.name + " have too many parts.", "Send fewer list entries and members.");
    if (guard.repeated())
        return refuse("`" + guard.repeated()->substr(0, limits::id_bytes_max) + "` is given twice.",
                      "Give each parameter once.");
    if (!value.is_object()) return refuse("The arguments of " + t.name + " hold a number that is out of range.");
    if (auto valid = validate(t.input_schema, value); !valid) return std::unexpected(valid.error());
    for (const auto& group : t.any_required)
        if (std::ranges::none_of(group, [&](const std::string& name) { return value.contains(name); })) {
            std::string names;
            for (const auto& name : group) names.append(names.empty() ? "`" : " or `").append(name).append("`");
            return refuse(names + " is missing.", "Give at least one of them.");
        }
    return value;
}

std::vector<std::string> unknown_keywords(const json& schema) {
    std::vector<std::string> found;
    find_unknown(schema, "", found);
    return found;
}

}  // namespace proto
