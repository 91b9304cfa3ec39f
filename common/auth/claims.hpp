// Members of what tokens say, read without trust. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace common::auth {

// nullopt: it is not there, or no text.
std::optional<std::string> text_in(const nlohmann::json& object, const char* name);

// A NumericDate (RFC 7519 §2), which may have a fraction.
enum class date_state { absent, bad, there };
date_state read_date(const nlohmann::json& claims, const char* name, std::int64_t& seconds);

// Is one of them among the token's audiences?
bool is_for(const nlohmann::json& claims, const std::vector<std::string>& audiences);

}  // namespace common::auth
