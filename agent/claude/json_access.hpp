// Reading members of JSON that somebody else wrote: a member that is absent or of another type is its default.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace agent::claude {

inline const nlohmann::json* member(const nlohmann::json& object, std::string_view name) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

inline std::string text_of(const nlohmann::json& object, std::string_view name) {
    const auto* value = member(object, name);
    return value && value->is_string() ? value->get_ref<const std::string&>() : std::string();
}

inline bool flag_of(const nlohmann::json& object, std::string_view name) {
    const auto* value = member(object, name);
    return value && value->is_boolean() && value->get<bool>();
}

inline std::int64_t integer_of(const nlohmann::json& object, std::string_view name) {
    const auto* value = member(object, name);
    if (!value || !value->is_number()) return 0;
    if (!value->is_number_float()) return value->get<std::int64_t>();
    // A float outside the range would be undefined behaviour to convert.
    const double number = value->get<double>();
    return number > -9e15 && number < 9e15 ? static_cast<std::int64_t>(number) : 0;
}

inline nlohmann::json copy_of(const nlohmann::json& object, std::string_view name, nlohmann::json otherwise = nullptr) {
    const auto* value = member(object, name);
    return value ? *value : std::move(otherwise);
}

}  // namespace agent::claude
