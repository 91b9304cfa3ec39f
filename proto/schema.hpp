// Checks arguments against a tool's JSON Schema: the keywords that the catalogue uses, and no other. The first error is
// told as invalid_argument, naming the field: "`timeout_ms` must be an integer between 0 and 30000".
// Pure functions; time and depth are bounded by the input's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "proto/catalogue.hpp"
#include "proto/error.hpp"

namespace proto {

result<void> validate(const nlohmann::json& schema, const nlohmann::json& value);

// Bounded parse of the raw arguments of a call plus validation: what an agent does first with every call. An empty text
// counts as {}.
result<nlohmann::json> parse_arguments(const tool& t, std::string_view raw);

// JSON pointers of keywords that validate() would not understand; for the catalogue's own test.
std::vector<std::string> unknown_keywords(const nlohmann::json& schema);

}  // namespace proto
