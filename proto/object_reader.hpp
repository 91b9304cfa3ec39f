// Strict reading of the JSON objects in the link's frames: types, sizes, ranges; the first complaint counts. For the
// decoders of this folder only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "proto/base64url.hpp"
#include "proto/json_scanner.hpp"
#include "proto/limits.hpp"
#include "proto/messages.hpp"

namespace proto::detail {

using json = nlohmann::ordered_json;

inline std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

enum class text_kind {
    line,  // no control characters: it may reach a terminal or a log
    free,
};

// Reads members of one object and keeps the first complaint.
class object_reader {
public:
    explicit object_reader(const json& object) : object_(&object) {}

    std::string text(const char* name, std::size_t min, std::size_t max, text_kind kind = text_kind::line) {
        const json* value = member(name);
        if (value == nullptr && min == 0) return {};
        const auto* text = value != nullptr ? value->get_ptr<const std::string*>() : nullptr;
        if (text == nullptr || text->size() < min || text->size() > max)
            return complain(name,
                            "must be a string of " + std::to_string(min) + " to " + std::to_string(max) + " bytes");
        const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
        if (kind == text_kind::line && std::ranges::any_of(*text, is_control))
            return complain(name, "must not have control characters");
        return *text;
    }

    std::string bytes(const char* name, std::size_t min, std::size_t max) {
        const auto value = base64url_decode(text(name, 0, 2 * max));
        if (!value || value->size() < min || value->size() > max)
            return complain(
                name, "must be the base64url text of " + std::to_string(min) + " to " + std::to_string(max) + " bytes");
        return *value;
    }

    std::int64_t number(const char* name, std::int64_t min, std::int64_t max) {
        const json* value = member(name);
        const bool fits =
            value != nullptr && value->is_number_integer() &&
            !(value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX));
        if (!fits || value->get<std::int64_t>() < min || value->get<std::int64_t>() > max) {
            complain(name, "must be an integer between " + std::to_string(min) + " and " + std::to_string(max));
            return min;
        }
        return value->get<std::int64_t>();
    }

    bool flag(const char* name) {
        const json* value = member(name);
        if (value == nullptr || !value->is_boolean()) {
            complain(name, "must be true or false");
            return false;
        }
        return value->get<bool>();
    }

    std::string one_of(const char* name, std::initializer_list<std::string_view> choices) {
        auto value = text(name, 0, limits::id_bytes_max);
        if (std::ranges::find(choices, std::string_view(value)) != choices.end()) return value;
        std::string list;
        for (const auto choice : choices) list.append(list.empty() ? "" : ", ").append(choice);
        return complain(name, "must be one of " + list);
    }

    std::vector<std::string> texts(const char* name, std::size_t count_max, std::size_t bytes_max) {
        std::vector<std::string> values;
        const json* array = member(name);
        const auto is_short_text = [&](const json& v) {
            const auto* text = v.get_ptr<const std::string*>();
            return text != nullptr && !text->empty() && text->size() <= bytes_max;
        };
        if (array == nullptr || !array->is_array() || array->size() > count_max ||
            !std::ranges::all_of(*array, is_short_text)) {
            complain(name, "must be a list of at most " + std::to_string(count_max) + " short strings");
            return values;
        }
        for (const auto& value : *array) values.push_back(value.get<std::string>());
        return values;
    }

    const json* member(const char* name) const {
        const auto it = object_->find(name);
        return it == object_->end() ? nullptr : &*it;
    }

    std::string complain(const std::string& name, const std::string& what) {
        if (complaint_.empty()) complaint_ = "`" + name + "` " + what;
        return {};
    }
    const std::string& complaint() const { return complaint_; }

private:
    const json* object_;
    std::string complaint_;
};

// The scanner first: it bounds the depth, and nlohmann destroys what it parsed by recursion.
inline decoded<json> parse_object(std::string_view text, std::size_t bytes_max) {
    if (!is_json_object(text, bytes_max))
        return std::unexpected("not one JSON object of at most " + std::to_string(bytes_max) + " bytes");
    auto value = json::parse(text, nullptr, false);
    if (!value.is_object()) return std::unexpected("a number that no program can hold");
    return value;
}

template <class T, class F>
decoded<T> decode(std::string_view text, std::size_t bytes_max, F fill) {
    const auto object = parse_object(text, bytes_max);
    if (!object) return std::unexpected(object.error());
    T message;
    object_reader r(*object);
    fill(r, message);
    if (!r.complaint().empty()) return std::unexpected(r.complaint());
    return message;
}

}  // namespace proto::detail
