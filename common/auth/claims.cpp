#include "common/auth/claims.hpp"

#include <algorithm>
#include <cmath>

namespace common::auth {

using nlohmann::json;

std::optional<std::string> text_in(const json& object, const char* name) {
    const auto member = object.find(name);
    if (member == object.end() || !member->is_string()) return std::nullopt;
    return member->get<std::string>();
}

date_state read_date(const json& claims, const char* name, std::int64_t& seconds) {
    const auto member = claims.find(name);
    if (member == claims.end()) return date_state::absent;
    if (!member->is_number()) return date_state::bad;
    const double value = member->get<double>();
    if (!std::isfinite(value) || value < 0 || value > 1e12) return date_state::bad;
    seconds = static_cast<std::int64_t>(value);
    return date_state::there;
}

bool is_for(const json& claims, const std::vector<std::string>& audiences) {
    const auto aud = claims.find("aud");
    if (aud == claims.end()) return false;
    const auto is_ours = [&](const json& one) {
        return one.is_string() && std::ranges::find(audiences, one.get_ref<const std::string&>()) != audiences.end();
    };
    return aud->is_array() ? std::ranges::any_of(*aud, is_ours) : is_ours(*aud);
}

}  // namespace common::auth
