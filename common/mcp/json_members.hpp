// Raw spans out of JSON text, without building it: members of an object, elements of an array, one string decoded.
// The text should have passed proto::json_scanner. On text that has not, answers may be wrong but never reach outside
// of it. Views point into the text given.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace common::mcp {

enum class json_kind : std::uint8_t { none, object, array, string, integer, fraction, boolean, null };

// What a raw value is, by its first characters; `none` for an empty view, which stands for an absent member.
json_kind kind_of(std::string_view value);

std::string_view trim_json(std::string_view text);

// Looks up `names` in one object in a single pass: values[i] becomes the raw value of names[i], or empty if absent.
// False if one of those names occurs twice, by whatever escapes: two readers could then disagree on which one counts.
bool read_members(std::string_view object, std::span<const std::string_view> names, std::span<std::string_view> values);

// Every member of an object, in order: its key with the quotes, and its value, both raw. Ends early when told so by false.
void for_each_member(std::string_view object,
                     const std::function<bool(std::string_view raw_key, std::string_view value)>& visit);

// The raw elements of an array. False if it is no array or has more than that.
bool read_elements(std::string_view array, std::size_t elements_max, std::vector<std::string_view>& elements);

// The raw objects of an array of objects. The array's own structure is checked here, the objects' is not.
enum class split_outcome : std::uint8_t { ok, malformed, not_objects, too_many };
split_outcome split_objects(std::string_view array, std::size_t elements_max, std::vector<std::string_view>& elements);

// The characters of a raw string; nullopt if it is not a string, is longer than `bytes_max` or not decodable.
std::optional<std::string> decode_string(std::string_view value, std::size_t bytes_max);

}  // namespace common::mcp
