// What a person decides on: who asks, for what, where it leads. Pure functions; everything from outside is escaped.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/oauth/records.hpp"
#include "hub/pages/form.hpp"
#include "hub/pages/html.hpp"

namespace hub::oauth {

struct consent {
    const authorization_request& request;
    const client& from;
    const std::optional<resource_server>& resource;  // nullopt: the hub itself
    const std::vector<membership>& memberships;      // at least one
    const std::vector<machine_choice>& machines;     // to choose among; none: the choice is not offered
    std::string_view person;                         // who is signed in
    std::string_view form_token;
};

pages::page consent_page(const consent& what);

// As in `approval`: empty for all. nullopt: none was chosen.
std::optional<std::string> chosen_workspace(const pages::form& posted);

// The machines that were chosen, of those of the chosen workspace.
machine_set chosen_machines(const pages::form& posted);

// The scopes that were ticked.
std::vector<std::string> ticked_scopes(const pages::form& posted);

}  // namespace hub::oauth
