#include "hub/tenancy/records.hpp"

#include <array>

namespace hub::tenancy {

namespace {

constexpr std::array<std::string_view, 4> role_names{"viewer", "member", "admin", "owner"};
constexpr std::array<std::string_view, 4> state_names{"pending", "active", "quarantined", "revoked"};

template <class Enum, std::size_t N>
std::optional<Enum> parse(const std::array<std::string_view, N>& names, std::string_view name) {
    for (std::size_t i = 0; i < N; ++i)
        if (names[i] == name) return static_cast<Enum>(i);
    return std::nullopt;
}

}  // namespace

std::string_view to_string(role r) { return role_names.at(static_cast<std::size_t>(r)); }
std::optional<role> parse_role(std::string_view name) { return parse<role>(role_names, name); }

std::string_view to_string(machine_state s) { return state_names.at(static_cast<std::size_t>(s)); }
std::optional<machine_state> parse_machine_state(std::string_view name) {
    return parse<machine_state>(state_names, name);
}

}  // namespace hub::tenancy
